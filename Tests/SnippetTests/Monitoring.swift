import Foundation
import Millrace
import MillraceHTTP
import Synchronization
import Testing

// Stand-ins with the shapes of swift-log, swift-metrics and ServiceLifecycle, so that what docs/metrics.md shows is compiled.

private enum Logging {
    struct Logger {
        enum Level: String { case trace, debug, info, notice, warning, error, critical }
        struct Message: ExpressibleByStringInterpolation {
            var text: String
            init(stringLiteral value: String) { text = value }
        }
        typealias Metadata = [String: MetadataValue]
        enum MetadataValue { case string(String) }

        static let said = Mutex<[String]>([])
        func log(level: Level, _ message: Message, metadata: Metadata? = nil) {
            Logger.said.withLock { $0.append("\(level) \(message.text) \(metadata?.count ?? 0)") }
        }
    }
}
private typealias Logger = Logging.Logger

private enum Metrics {
    static let recorded = Mutex<[String: Double]>([:])

    final class Counter {
        let label: String
        init(label: String, dimensions: [(String, String)]) { self.label = label }
        func increment(by amount: Int64) { Metrics.recorded.withLock { $0[label, default: 0] += Double(amount) } }
    }

    final class Meter {
        let label: String
        init(label: String, dimensions: [(String, String)]) { self.label = label }
        func set(_ value: Double) { Metrics.recorded.withLock { $0[label] = value } }
    }
}
private typealias Counter = Metrics.Counter
private typealias Meter = Metrics.Meter

private protocol Service: Sendable {
    func run() async throws
}

private func withGracefulShutdownHandler<Result>(
    operation: () async throws -> Result, onGracefulShutdown: @escaping @Sendable () -> Void
) async rethrows -> Result {
    onGracefulShutdown()
    return try await operation()
}

extension MillraceLogger {
    fileprivate init(_ logger: Logger, level: LogLevel = .info) {
        self.init(level: level) { level, message, values in
            let metadata = Dictionary(values.map { ($0.0, Logger.MetadataValue.string($0.1)) }) { $1 }
            logger.log(level: Logger.Level(rawValue: "\(level)") ?? .info, "\(message)", metadata: metadata)
        }
    }
}

/// Hands an app's metrics to swift-metrics.
private final class MetricsFeed: Sendable {
    private let counted = Mutex<[String: Double]>([:])

    func record(_ metrics: AppMetrics) {
        for family in metrics.families {
            for sample in family.samples {
                guard case .number(let number) = sample.value else { continue }
                let dimensions = sample.labels.map { ($0.name, $0.value) }
                guard family.kind == .counter else {
                    Meter(label: family.name, dimensions: dimensions).set(number)
                    continue
                }
                // Counters there are told what has come since.
                let before = counted.withLock { $0.updateValue(number, forKey: "\(family.name) \(dimensions)") }
                Counter(label: family.name, dimensions: dimensions).increment(by: Int64(number - (before ?? 0)))
            }
        }
    }
}

/// A StreamsApp for a ServiceGroup.
private struct StreamsService: Service {
    let app: StreamsApp

    func run() async throws {
        try await withGracefulShutdownHandler {
            try await app.run()
        } onGracefulShutdown: {
            app.shutDown()
        }
    }
}

@Suite struct MonitoringSnippets {
    private func backend() throws -> (StreamsBackend, EmbeddedLog, String) {
        let path = NSTemporaryDirectory() + "millrace-\(UUID())"
        let log = try EmbeddedLog.open(at: path + "/log")
        for topic in ["in", "out"] { try log.createTopic(TopicSpecification(topic, partitions: 1)) }
        return (.embedded(log, statePath: path + "/state"), log, path)
    }

    private func topology() throws -> Topology {
        let builder = StreamsBuilder()
        builder.stream("in", key: .string, value: .string).to("out")
        return try builder.build()
    }

    @Test func servesOverHTTP() async throws {
        let (backend, log, path) = try backend()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let app = StreamsApp(try topology(), on: backend, configuration: StreamsConfiguration(applicationID: "payments"))
        app.shutDownWhenIdle()
        let port = 0
        let server = try app.serveHTTP(port: port)
        defer { server.stop() }
        try await app.run()
        let metrics = app.metrics
        for task in metrics.tasks { print(task.id, task.processed, task.latency.average ?? .zero) }
        print(metrics.lag ?? -1, metrics.droppedRecords[.late] ?? 0)
        #expect(metrics.state == .stopped)
        try log.close()
    }

    @Test func plugsIntoTheServerPackages() async throws {
        let (backend, log, path) = try backend()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let producer = try Producer<String, String>(to: "in", on: backend)
        try producer.send("k", "v")
        try producer.commit()
        let logger = Logger()
        let feed = MetricsFeed()
        var configuration = StreamsConfiguration(applicationID: "payments")
        configuration.logger = MillraceLogger(logger)
        configuration.reportInterval = .seconds(10)
        configuration.onMetrics = { feed.record($0) }
        let app = StreamsApp(try topology(), on: backend, configuration: configuration)
        app.shutDownWhenIdle()
        try await app.run()
        #expect(Metrics.recorded.withLock { $0["millrace.records.written"] } == 1)
        configuration.logger.log(.info, "static text", ("key", "value"))
        #expect(Logger.said.withLock { $0.contains("info static text 1") })
        try await StreamsService(app: StreamsApp(try topology(), on: backend, configuration: configuration)).run()
        try log.close()
    }

    @Test func tracesRecords() throws {
        var configuration = StreamsConfiguration(applicationID: "payments")
        let tracing = Tracing()
        configuration.tracer = RecordTracer { record in
            guard let parent = record.traceparent else { return nil }
            let span = tracing.start(parent, "\(record.topic)")
            return RecordTracer.Span(traceparent: span.traceparent) { error in span.end(error) }
        }
        #expect(configuration.tracer != nil)
    }
}

private struct Tracing {
    struct Span {
        var traceparent: String
        func end(_ error: (any Error)?) {}
    }
    func start(_ parent: String, _ name: String) -> Span { Span(traceparent: parent) }
}
