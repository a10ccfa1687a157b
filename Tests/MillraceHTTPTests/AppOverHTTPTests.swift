import Foundation
import Millrace
import MillraceHTTP
import Testing

/// What an app serves, fetched over a real connection.
@Suite struct AppOverHTTPTests {
    private final class Workplace {
        let path = NSTemporaryDirectory() + "millrace-http-\(UUID())"
        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    @Test func metricsAndHealthOfARunningApp() async throws {
        let place = Workplace()
        let log = try EmbeddedLog.open(at: place.path + "/log")
        for topic in ["lines", "counts"] { try log.createTopic(TopicSpecification(topic, partitions: 1)) }
        let backend = StreamsBackend.embedded(log, statePath: place.path + "/state")
        let producer = try Producer<String, String>(to: "lines", on: backend)
        for word in ["a", "b", "a"] { try producer.send(word, word, at: 1000) }
        try producer.commit()
        let builder = StreamsBuilder()
        builder.stream("lines", key: .string, value: .string).groupByKey().count(in: "store").toStream().to("counts")
        let app = StreamsApp(try builder.build(), on: backend, configuration: StreamsConfiguration(applicationID: "http-test"))

        let server = try app.serveHTTP(port: 0)
        defer { server.stop() }
        func get(_ path: String) throws -> RawClient.Answer { try RawClient.request("GET", path, port: server.port) }
        let early = try get("/health/ready")
        #expect(early.status == 503 && early.body == "created: run() has not been called yet\n")
        #expect(try get("/health/live").status == 200)

        let run = Task { try await app.run() }
        // What is published comes soon after what is committed.
        let read = "task=\"0_0\",topic=\"lines\"} 3\n"
        for _ in 0..<2000 where try app.processedRecords < 3 || !get("/metrics").body.contains(read) {
            try await Task.sleep(for: .milliseconds(5))
        }
        let ready = try get("/health/ready")
        #expect(ready.status == 200 && ready.body == "running\n")
        let metrics = try get("/metrics")
        #expect(metrics.head.contains("Content-Type: text/plain; version=0.0.4; charset=utf-8"))
        let label = "application=\"http-test\""
        #expect(metrics.body.contains("\nmillrace_records_read_total{\(label),task=\"0_0\",topic=\"lines\"} 3\n"), "\(metrics.body)")
        #expect(metrics.body.contains("# TYPE millrace_records_read_total counter\n"))
        #expect(metrics.body.contains("\nmillrace_consumer_lag{\(label),topic=\"lines\",partition=\"0\"} 0\n"))
        #expect(metrics.body.contains("\nmillrace_app_state{\(label),state=\"running\"} 1\n"))

        app.pause()
        #expect(try get("/health/ready").body == "paused: resume() has not been called yet\n")
        app.resume()
        app.shutDown()
        try await run.value
        let ended = try get("/health/live")
        #expect(ended.status == 503 && ended.body == "stopped: run() has returned or thrown\n")
        #expect(try get("/metrics").status == 200, "the last numbers stay")
        try log.close()
        #expect(try get("/metrics").status == 200)
    }
}
