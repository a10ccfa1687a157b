import CMicroHTTPD

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The open connections of a server, and the answers they get. Used by the server's thread only.
final class Connections {
    private let routes: [String: HTTPRoute]
    /// The oldest first.
    private var open: [OpaquePointer] = []
    /// Fewer than libmicrohttpd lets in, so that there is always room for one more.
    private let limit = 48

    init(routes: [String: HTTPRoute]) {
        self.routes = routes
    }

    /// Lets the oldest connection go when there are too many: whoever keeps connections busy byte by byte shall not keep others out.
    func opened(_ connection: OpaquePointer) {
        open.append(connection)
        guard open.count > limit else { return }
        let oldest = open.removeFirst()
        let socket = millrace_http_socket(oldest)
        // libmicrohttpd sees the end of the stream and closes it.
        if socket >= 0 { shutdown(socket, Int32(SHUT_RDWR)) }
    }

    func closed(_ connection: OpaquePointer) {
        open.removeAll { $0 == connection }
    }

    func answer(_ connection: OpaquePointer, _ method: String, _ path: String) -> MHD_Result {
        guard method == "GET" || method == "HEAD" else {
            return send(HTTPResponse(status: 405, body: "Only GET and HEAD are answered here.\n"), ["Allow": "GET, HEAD"], to: connection)
        }
        guard let route = routes[path] else {
            let paths = routes.keys.sorted().joined(separator: ", ")
            return send(HTTPResponse(status: 404, body: "There is nothing at this path. There is: \(paths)\n"), [:], to: connection)
        }
        return send(route(), ["Cache-Control": "no-store"], to: connection)
    }

    private func send(_ answer: HTTPResponse, _ headers: [String: String], to connection: OpaquePointer) -> MHD_Result {
        let response = Array(answer.body.utf8).withUnsafeBytes { millrace_http_response($0.baseAddress, $0.count) }
        guard let response else { return millrace_http_refused() }
        defer { MHD_destroy_response(response) }
        MHD_add_response_header(response, "Content-Type", answer.contentType)
        for (name, value) in headers { MHD_add_response_header(response, name, value) }
        return MHD_queue_response(connection, UInt32(clamping: answer.status), response)
    }
}
