import CMicroHTTPD
import MillraceCore
import Synchronization

/// A small HTTP server for what programs tell of themselves: metrics and health. It answers GET and HEAD for a fixed set of paths, and nothing else.
///
///     let server = try HTTPServer(port: 9090, routes: ["/hello": { HTTPResponse(body: "hello\n") }])
///     defer { server.stop() }
///
/// One thread serves all connections and never waits for a single one: a client that reads or writes slowly holds up nobody, is given up after ten seconds of silence, and must make
/// room, the oldest first, when more than 48 connections are open. A request may have 16 KiB; what a client sends beyond its headers is not read.
///
/// There is neither encryption nor a password, so it listens to this machine alone unless it is told otherwise. To be built on libmicrohttpd (`libmicrohttpd-dev`).
public final class HTTPServer: Sendable {
    /// The address that it listens at.
    public let address: String
    /// The port that it listens at: the one asked for, or, for 0, the one that the system gave.
    public let port: Int
    private let running: Mutex<RunningServer?>

    /// Starts to serve.
    ///
    /// - Parameters:
    ///   - port: 0 to 65535; 0 takes any free port, see `port`.
    ///   - address: The IPv4 or IPv6 address to listen at, in numbers: `"127.0.0.1"`, this machine alone, unless told otherwise; `"0.0.0.0"` or `"::"` for everyone who can reach it.
    ///   - routes: What to answer, by path: `"/metrics"`.
    /// - Throws: `MillraceError` of kind `configuration` when the address is none, or the port is in use or not allowed.
    public init(port: Int, address: String = "127.0.0.1", routes: [String: HTTPRoute]) throws {
        let socket = try ListeningSocket(address: address, port: port)
        self.address = address
        self.port = socket.port
        running = Mutex(try RunningServer(socket, routes))
    }

    deinit { stop() }

    /// Ends all connections and frees the port; returns when nothing of it runs any more. May be called several times, but not by a route.
    public func stop() {
        let server = running.withLock { server in
            defer { server = nil }
            return server
        }
        server?.stop()
    }
}

/// The server at work: libmicrohttpd's, and what its thread calls.
private struct RunningServer: @unchecked Sendable {
    // libmicrohttpd's own thread is the only one to use what is inside; this is for stopping, once.
    private let daemon: OpaquePointer
    private let context: Unmanaged<Connections>

    init(_ socket: ListeningSocket, _ routes: [String: HTTPRoute]) throws {
        context = Unmanaged.passRetained(Connections(routes: routes))
        let daemon = millrace_http_start(
            socket.descriptor, 64, 10, 16 << 10,
            { context, connection, path, method, _, _, _, _ in
                guard let context, let connection, let path, let method else { return millrace_http_refused() }
                return Unmanaged<Connections>.fromOpaque(context).takeUnretainedValue().answer(
                    connection, String(cString: method), String(cString: path))
            },
            { context, connection, _, event in
                guard let context, let connection else { return }
                let connections = Unmanaged<Connections>.fromOpaque(context).takeUnretainedValue()
                if millrace_http_is_start(event) != 0 { connections.opened(connection) } else { connections.closed(connection) }
            }, context.toOpaque())
        guard let daemon else {
            socket.close()
            context.release()
            throw MillraceError(
                .configuration,
                "The HTTP server could not be started: the system has no thread or memory left for it. Raise the limit of processes.")
        }
        self.daemon = daemon
    }

    func stop() {
        MHD_stop_daemon(daemon)
        context.release()
    }
}
