import Foundation
import Millrace
import MillraceFormats

/// A log in a directory of its own, and apps on it that run until they have nothing more to do.
final class AppOnDisk {
    let path = NSTemporaryDirectory() + "millrace-\(UUID().uuidString)"
    let log: EmbeddedLog
    var backend: StreamsBackend { .embedded(log, statePath: path + "/state") }

    /// - Parameter topics: The topics to create, with their numbers of partitions.
    init(topics: KeyValuePairs<String, Int32>) throws {
        log = try EmbeddedLog.open(at: path + "/log")
        // The records are of times long past, which the default retention would remove while a test runs.
        for (name, partitions) in topics {
            try log.createTopic(TopicSpecification(name, partitions: partitions, settings: ["retention.ms": "-1"]))
        }
    }

    deinit {
        try? log.close()
        try? FileManager.default.removeItem(atPath: path)
    }

    func write(_ records: [(key: String, value: String?, time: Timestamp)], to topic: String) throws {
        let producer = try Producer<String, String?>(to: topic, on: backend, value: Serde.string.optional)
        for record in records { try producer.send(record.key, record.value, at: record.time) }
        try producer.commit()
    }

    func run(as id: String = "app", _ describe: (StreamsBuilder) -> Void) async throws {
        let builder = StreamsBuilder()
        describe(builder)
        let app = StreamsApp(try builder.build(), on: backend, configuration: .init(applicationID: id))
        app.shutDownWhenIdle()
        try await app.run()
    }

    /// Lets the state be rebuilt at the next run.
    func removeState() throws {
        try FileManager.default.removeItem(atPath: path + "/state")
    }

    /// All records of a topic, partition by partition, as `key=value`.
    func read(_ topic: String) throws -> [String] {
        var records: [String] = []
        try log.forEachRecord(of: topic) { record in
            let key = record.key.map { String(decoding: $0, as: UTF8.self) } ?? "nil"
            let value = record.value.map { String(decoding: $0, as: UTF8.self) } ?? "nil"
            records.append("\(key)=\(value)")
        }
        return records
    }
}
