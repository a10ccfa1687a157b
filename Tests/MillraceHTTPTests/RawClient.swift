import Foundation

/// A client that sends what it is told, byte by byte if need be.
final class RawClient {
    private let socket: Int32

    struct Refused: Error { var code: Int32 }

    init(port: Int) throws {
        socket = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        // A server that does not answer fails the test instead of holding it up.
        var patience = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        let result = withUnsafeBytes(of: &address) { bytes in
            bytes.baseAddress.map { connect(socket, $0.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count)) } ?? -1
        }
        guard result == 0 else {
            let code = errno
            close(socket)
            throw Refused(code: code)
        }
    }

    deinit { close(socket) }

    func send(_ text: String) {
        var bytes = Array(text.utf8)
        _ = Foundation.send(socket, &bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    /// Everything until the server closes the connection, or nothing comes for 20 seconds.
    func readToEnd() -> String {
        var all: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(socket, &part, part.count, 0)
            guard count > 0 else { break }
            all += part[..<count]
        }
        return String(decoding: all, as: UTF8.self)
    }

    /// The answer to one request.
    static func request(_ method: String, _ path: String, port: Int, headers: String = "") throws -> Answer {
        let client = try RawClient(port: port)
        client.send("\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\(headers)\r\n")
        return Answer(client.readToEnd())
    }

    struct Answer {
        var status: Int
        var head: String
        var body: String

        init(_ text: String) {
            let end = text.range(of: "\r\n\r\n")
            head = String(text[..<(end?.lowerBound ?? text.endIndex)])
            body = end.map { String(text[$0.upperBound...]) } ?? ""
            status = Int(head.split(separator: " ").dropFirst().first ?? "") ?? 0
        }
    }
}
