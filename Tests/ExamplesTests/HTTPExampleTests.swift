import Foundation
import Testing

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// What the examples serve with `--http`, fetched as a monitoring system would.
@Suite struct HTTPExampleTests {
    let directory = TestDirectory()

    @Test(arguments: ["WordCount", "FraudDetection"])
    func servesMetricsAndHealth(name: String) async throws {
        try directory.write(name == "WordCount" ? "to be or not to be\n" : "not a payment\n", to: "text")
        try directory.write("", to: "err")
        let process = try ExampleProcess(name: name).start(
            ["--input", directory.path("text"), "--data", directory.path("data"), "--follow", "--http", "0"],
            errors: FileHandle(forWritingTo: URL(fileURLWithPath: directory.path("err"))))
        defer {
            process.terminate()
            process.waitUntilExit()
        }
        var base: Substring?
        var ready = 0
        var metrics = ""
        let wanted = name == "WordCount" ? "topic=\"lines\"} 1\n" : "topic=\"payments-dead-letters\"} 1\n"
        for _ in 0..<600 where ready != 200 || !metrics.contains(wanted) {
            try await Task.sleep(for: .milliseconds(50))
            base = try directory.read("err").firstMatch(of: /http:\/\/127\.0\.0\.1:\d+/)?.output
            guard let base else { continue }
            ready = try await get("\(base)/health/ready").status
            metrics = try await get("\(base)/metrics").body
        }
        #expect(ready == 200)
        #expect(metrics.contains(wanted), "\(metrics)")
        #expect(metrics.contains("# TYPE millrace_commit_duration_seconds histogram\n"))
        let found = try #require(base)
        #expect(try await get("\(found)/health/live").body == "running\n")
        #expect(try await get("\(found)/").status == 404)
    }

    @Test func saysWhenAPortIsInUse() async throws {
        try directory.write("x\n", to: "text")
        try directory.write("", to: "err")
        let first = try ExampleProcess(name: "WordCount").start(
            ["--input", directory.path("text"), "--data", directory.path("data"), "--follow", "--http", "0"],
            errors: FileHandle(forWritingTo: URL(fileURLWithPath: directory.path("err"))))
        defer {
            first.terminate()
            first.waitUntilExit()
        }
        var port: Substring?
        for _ in 0..<600 where port == nil {
            try await Task.sleep(for: .milliseconds(50))
            port = try directory.read("err").firstMatch(of: /127\.0\.0\.1:(\d+)/)?.1
        }
        let second = try ExampleProcess(name: "WordCount").run(
            ["--input", directory.path("text"), "--data", directory.path("other"), "--http", String(port ?? "")])
        #expect(second.status == 1)
        #expect(second.errors.contains("is in use") && second.errors.contains("choose another port"), "\(second.errors)")
    }

    private func get(_ address: String) async throws -> (status: Int, body: String) {
        let url = try #require(URL(string: address))
        let (data, response) = try await URLSession.shared.data(from: url)
        return ((response as? HTTPURLResponse)?.statusCode ?? 0, String(decoding: data, as: UTF8.self))
    }
}
