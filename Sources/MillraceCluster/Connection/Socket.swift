#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif
import MillraceCore
import MillraceWire

/// A TCP connection.
final class Socket: ByteStream {
    /// The system's handle, for TLS to read and write with.
    let descriptor: Int32
    private let address: BrokerAddress
    private let timeout: Int32

    /// Connects, trying all addresses that the host's name stands for.
    ///
    /// - Parameter timeout: How long to wait for the other side, each time, in milliseconds.
    init(to address: BrokerAddress, timeout: Int32) throws(MillraceError) {
        self.address = address
        self.timeout = timeout
        var hints = addrinfo()
        #if canImport(Glibc)
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        #else
            hints.ai_socktype = SOCK_STREAM
        #endif
        var found: UnsafeMutablePointer<addrinfo>?
        let result = getaddrinfo(address.host, String(address.port), &hints, &found)
        guard result == 0, let first = found else {
            throw MillraceError(
                .transport,
                "The broker's name \(address.host) is not known: \(String(cString: gai_strerror(result))). Check the address, and that this machine can resolve it.",
                isRetriable: true)
        }
        defer { freeaddrinfo(first) }
        var failure = ""
        var next: UnsafeMutablePointer<addrinfo>? = first
        while let candidate = next {
            switch Socket.connect(candidate.pointee, timeout: timeout) {
            case .success(let descriptor):
                self.descriptor = descriptor
                return
            case .failure(let reason): failure = reason.text
            }
            next = candidate.pointee.ai_next
        }
        throw MillraceError(
            .transport, "No connection to broker \(address): \(failure). Check that it runs, and that its port can be reached from here.",
            isRetriable: true)
    }

    deinit { close(descriptor) }

    func write(_ bytes: UnsafeRawBufferPointer) throws(MillraceError) {
        var sent = 0
        while sent < bytes.count {
            #if canImport(Glibc)
                let flags = Int32(MSG_NOSIGNAL)
            #else
                let flags: Int32 = 0
            #endif
            let count = send(descriptor, bytes.baseAddress! + sent, bytes.count - sent, flags)
            if count > 0 { sent += count } else { try wait(for: Int16(POLLOUT), after: errno) }
        }
    }

    func read(into target: UnsafeMutableRawBufferPointer) throws(MillraceError) -> Int {
        while true {
            let count = recv(descriptor, target.baseAddress, target.count, 0)
            if count > 0 { return count }
            if count == 0 {
                throw MillraceError(
                    .transport,
                    "Broker \(address) closed the connection. A broker that stops does so, and one that expects TLS or SASL from a client without.",
                    isRetriable: true)
            }
            try wait(for: Int16(POLLIN), after: errno)
        }
    }

    /// Waits until the socket can go on, when `error` says only that it could not at once.
    func wait(for events: Int16, after error: Int32) throws(MillraceError) {
        if error == EINTR { return }
        guard error == EAGAIN || error == EWOULDBLOCK else {
            throw MillraceError(
                .transport, "The connection to broker \(address) failed: \(String(cString: strerror(error))).", isRetriable: true)
        }
        var wanted = pollfd(fd: descriptor, events: events, revents: 0)
        let result = poll(&wanted, 1, timeout)
        guard result != 0 else {
            throw MillraceError(.transport, "Broker \(address) did not answer within \(timeout) ms.", isRetriable: true)
        }
    }

    private struct Failure: Error {
        var text: String
        init(_ error: Int32) { text = String(cString: strerror(error)) }
    }

    private static func connect(_ candidate: addrinfo, timeout: Int32) -> Result<Int32, Failure> {
        let descriptor = socket(candidate.ai_family, candidate.ai_socktype, candidate.ai_protocol)
        guard descriptor >= 0 else { return .failure(Failure(errno)) }
        var one: Int32 = 1
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        _ = setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        #if canImport(Darwin)
            _ = setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &one, socklen_t(MemoryLayout<Int32>.size))
        #endif
        func failed(_ error: Int32) -> Result<Int32, Failure> {
            close(descriptor)
            return .failure(Failure(error))
        }
        if connectSocket(descriptor, candidate.ai_addr, candidate.ai_addrlen) == 0 { return .success(descriptor) }
        guard errno == EINPROGRESS else { return failed(errno) }
        var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard poll(&wanted, 1, timeout) > 0 else { return failed(ETIMEDOUT) }
        var error: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        _ = getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size)
        return error == 0 ? .success(descriptor) : failed(error)
    }
}

/// The system's function, by a name that `Socket.connect` does not hide.
private func connectSocket(_ descriptor: Int32, _ address: UnsafePointer<sockaddr>?, _ length: socklen_t) -> Int32 {
    connect(descriptor, address, length)
}
