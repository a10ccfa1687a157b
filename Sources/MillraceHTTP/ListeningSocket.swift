import MillraceCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A socket that takes connections: made here and not by libmicrohttpd, which does not say why it cannot.
struct ListeningSocket {
    let descriptor: Int32
    let port: Int

    init(address: String, port: Int) throws {
        guard (0...65535).contains(port) else {
            throw MillraceError(.configuration, "\(port) is no port to listen at. Choose one from 1 to 65535, or 0 for any that is free.")
        }
        var hints = addrinfo()
        hints.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV
        #if canImport(Glibc)
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        #else
            hints.ai_socktype = SOCK_STREAM
        #endif
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(address, String(port), &hints, &found) == 0, let place = found?.pointee else {
            throw MillraceError(
                .configuration,
                "\"\(address)\" is not an address to listen at. Give one in numbers, such as 127.0.0.1 for this machine alone, or 0.0.0.0 for everyone."
            )
        }
        defer { freeaddrinfo(found) }
        let descriptor = socket(place.ai_family, place.ai_socktype, place.ai_protocol)
        guard descriptor >= 0 else {
            throw MillraceError(.configuration, "The system gave no socket (error \(errno)). Allow the process more open files.")
        }
        do {
            var yes: Int32 = 1
            // A server that is started again need not wait until the system has forgotten the old connections.
            setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
            guard bind(descriptor, place.ai_addr, place.ai_addrlen) == 0, listen(descriptor, 64) == 0 else {
                throw ListeningSocket.refusal(address, port, errno)
            }
            self.port = try ListeningSocket.port(of: descriptor)
        } catch {
            _ = unistdClose(descriptor)
            throw error
        }
        self.descriptor = descriptor
    }

    func close() {
        _ = unistdClose(descriptor)
    }

    private static func refusal(_ address: String, _ port: Int, _ code: Int32) -> MillraceError {
        let message =
            switch code {
            case EADDRINUSE:
                "Port \(port) of \(address) is in use, perhaps by another program of this kind. Stop that one, choose another port, or 0 for any that is free."
            case EACCES: "Port \(port) of \(address) is not for this user. Choose one above 1023, or 0 for any that is free."
            case EADDRNOTAVAIL: "\(address) is not an address of this machine. Choose one that is, or 127.0.0.1 for this machine alone."
            default: "Port \(port) of \(address) cannot be listened at (error \(code)). Choose another port, or 0 for any that is free."
            }
        return MillraceError(.configuration, message)
    }

    private static func port(of descriptor: Int32) throws -> Int {
        var address = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutableBytes(of: &address) { bytes in
            getsockname(descriptor, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length)
        }
        guard result == 0 else { throw MillraceError(.configuration, "The system does not say its port (error \(errno)).") }
        // IPv4 and IPv6 have it at the same place, in network order.
        let port = withUnsafeBytes(of: &address) { UInt16(bigEndian: $0.loadUnaligned(fromByteOffset: 2, as: UInt16.self)) }
        return Int(port)
    }
}

/// `close` of the system, which a method of the same name hides.
private func unistdClose(_ descriptor: Int32) -> Int32 {
    close(descriptor)
}
