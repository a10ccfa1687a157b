import MillraceCore
import MillraceHTTP
import Testing

@Suite struct HTTPServerTests {
    private func server(_ body: String = "hello\n") throws -> HTTPServer {
        try HTTPServer(
            port: 0, routes: ["/hello": { HTTPResponse(body: body) }, "/late": { HTTPResponse(status: 503, body: "not yet\n") }])
    }

    @Test func answersItsPaths() throws {
        let server = try server()
        let hello = try RawClient.request("GET", "/hello?name=x", port: server.port)
        #expect(hello.status == 200 && hello.body == "hello\n")
        #expect(hello.head.contains("Content-Type: text/plain; charset=utf-8") && hello.head.contains("Cache-Control: no-store"))
        let late = try RawClient.request("GET", "/late", port: server.port)
        #expect(late.status == 503 && late.body == "not yet\n")
        let head = try RawClient.request("HEAD", "/hello", port: server.port)
        #expect(head.status == 200 && head.body.isEmpty && head.head.contains("Content-Length: 6"))
        let nothing = try RawClient.request("GET", "/", port: server.port)
        #expect(nothing.status == 404 && nothing.body.contains("/hello, /late"))
        server.stop()
    }

    @Test func changesNothing() throws {
        let server = try server()
        for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
            let answer = try RawClient.request(method, "/hello", port: server.port, headers: "Content-Length: 1000000\r\n")
            #expect(answer.status == 405 && answer.head.contains("Allow: GET, HEAD"), "\(method)")
        }
        server.stop()
    }

    @Test func servesLargeBodies() throws {
        let text = String(repeating: "0123456789abcdef", count: 1 << 16)
        let server = try server(text)
        #expect(try RawClient.request("GET", "/hello", port: server.port).body == text)
        server.stop()
    }

    @Test func refusesWhatIsNoRequest() throws {
        let server = try server()
        let client = try RawClient(port: server.port)
        client.send("\u{1}\u{2} rubbish\r\n\r\n")
        #expect([0, 400, 405].contains(RawClient.Answer(client.readToEnd()).status))
        let long = try RawClient.request("GET", "/" + String(repeating: "x", count: 100_000), port: server.port)
        #expect([0, 413, 414, 431].contains(long.status))
        #expect(try RawClient.request("GET", "/hello", port: server.port).status == 200)
        server.stop()
    }

    /// Clients that begin a request and never end it make room for those that do.
    @Test func slowClientsKeepNobodyOut() throws {
        let server = try server()
        var slow: [RawClient] = []
        for _ in 0..<100 {
            let client = try RawClient(port: server.port)
            client.send("GET /hel")
            slow.append(client)
        }
        for _ in 0..<5 { #expect(try RawClient.request("GET", "/hello", port: server.port).status == 200) }
        #expect(slow[0].readToEnd().isEmpty, "the oldest connection is ended")
        // The newest one is still there, and may finish.
        slow[99].send("lo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        #expect(RawClient.Answer(slow[99].readToEnd()).status == 200)
        server.stop()
    }

    @Test func saysWhatIsWrongWithAPort() throws {
        let server = try server()
        let inUse = #expect(throws: MillraceError.self) { try HTTPServer(port: server.port, routes: [:]) }
        #expect(inUse?.kind == .configuration)
        #expect(inUse?.message.contains("is in use") == true && inUse?.message.contains("choose another port") == true)
        #expect(throws: MillraceError.self) { try HTTPServer(port: 65536, routes: [:]) }
        #expect(throws: MillraceError.self) { try HTTPServer(port: -1, routes: [:]) }
        let nowhere = #expect(throws: MillraceError.self) { try HTTPServer(port: 0, address: "localhost", routes: [:]) }
        #expect(nowhere?.message.contains("in numbers") == true)
        #expect(throws: MillraceError.self) { try HTTPServer(port: 0, address: "192.0.2.1", routes: [:]) }
        server.stop()
    }

    @Test func stopsAndFreesItsPort() throws {
        let server = try server()
        let port = server.port
        let client = try RawClient(port: port)
        client.send("GET /hel")
        server.stop()
        server.stop()
        #expect(client.readToEnd().isEmpty)
        #expect(throws: RawClient.Refused.self) { try RawClient(port: port) }
        let next = try HTTPServer(port: port, routes: ["/hello": { HTTPResponse(body: "again") }])
        #expect(try RawClient.request("GET", "/hello", port: port).body == "again")
        next.stop()
    }
}
