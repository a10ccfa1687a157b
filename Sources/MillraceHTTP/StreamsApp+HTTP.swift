import MillraceCore
import MillraceStreams

extension StreamsApp {
    /// Serves the app's metrics and health over HTTP, until the server is stopped or let go.
    ///
    ///     let server = try app.serveHTTP(port: 9090)
    ///     defer { server.stop() }
    ///     try await app.run()
    ///
    /// - `/metrics`: Prometheus' text format, version 0.0.4, with the names of `docs/metrics.md`.
    /// - `/health/live`: 200 until the app has ended, then 503.
    /// - `/health/ready`: 200 while the app processes records, else 503, with the reason in the body: restoring and how far it is, paused, stopping.
    ///
    /// - Parameters:
    ///   - port: 0 takes any free port; the server's `port` says which.
    ///   - address: This machine alone, unless told otherwise: whoever reaches the port sees the names of topics and stores.
    /// - Throws: `MillraceError` of kind `configuration` when the address is none, or the port is in use or not allowed.
    public func serveHTTP(port: Int, address: String = "127.0.0.1") throws -> HTTPServer {
        try HTTPServer(port: port, address: address, routes: httpRoutes)
    }

    /// What `serveHTTP` serves, for a server with more paths.
    public var httpRoutes: [String: HTTPRoute] {
        [
            "/metrics": {
                HTTPResponse(contentType: "text/plain; version=0.0.4; charset=utf-8", body: self.metrics.families.prometheusText)
            },
            "/health/live": {
                let health = self.health
                return HTTPResponse(status: health.isLive ? 200 : 503, body: "\(health.reason)\n")
            },
            "/health/ready": {
                let health = self.health
                return HTTPResponse(status: health.isReady ? 200 : 503, body: "\(health.reason)\n")
            },
        ]
    }
}
