import Foundation
import Millrace
import MillraceFormats
import MillraceKafka
import MillraceTestKit
import RealKafka
import Testing

/// The transport, and an app on it, on a real broker.
@Suite(.serialized, .enabled(if: RealKafka.isWanted)) struct KafkaTransportTests {
    @Test func lawsHold() throws {
        let servers = try SharedBroker.bootstrapServers()
        try TransportLaws(seed: 1, rounds: 8, offsetsAreDense: false).check(try KafkaTransport(bootstrapServers: servers))
    }

    @Test func topicsKeepTheirSettings() throws {
        let transport = try KafkaTransport(bootstrapServers: SharedBroker.bootstrapServers())
        let topic = TopicSpecification(
            name("settings"), partitions: 3, settings: ["retention.ms": "-1", "max.message.bytes": "2000"])
        #expect(try transport.describeTopic(topic.name) == nil)
        try transport.createTopic(topic)
        let found = try transport.describeTopic(topic.name)
        #expect(found?.partitions == 3)
        #expect(found?.settings["retention.ms"] == "-1")
        #expect(found?.settings["max.message.bytes"] == "2000")
        let error = #expect(throws: MillraceError.self) { try transport.createTopic(topic) }
        #expect(error?.kind == .configuration)
        // A record that the topic does not take: the commit is taken back, and the session goes on.
        let session = try transport.openSession(named: topic.name, group: topic.name)
        defer { session.close() }
        let large = #expect(throws: MillraceError.self) { try session.commit([try output(topic.name, bytes: 5000)], offsets: [:]) }
        #expect(large?.kind == .production)
        _ = try session.commit([try output(topic.name, bytes: 50)], offsets: [:])
    }

    /// Words are counted once each, though the app is abandoned in the middle, its state is removed, and it is started again.
    @Test(arguments: [ProcessingGuarantee.exactlyOnce, .atLeastOnce])
    func countsSurviveAnAbandonedRun(_ guarantee: ProcessingGuarantee) async throws {
        let state = NSTemporaryDirectory() + "millrace-kafka-state-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: state) }
        let backend = StreamsBackend.kafka(
            try KafkaTransport(bootstrapServers: SharedBroker.bootstrapServers()), state: state)
        let (lines, counts) = (name("lines"), name("counts"))
        for topic in [lines, counts] { try backend.transport.createTopic(TopicSpecification(topic, partitions: 2)) }
        let producer = try Producer<String?, String>(to: lines, on: backend)
        for number in 0..<600 {
            try producer.send("word\(number % 7) other")
            if number % 150 == 149 { try producer.commit() }
        }
        let builder = StreamsBuilder()
        builder.stream(lines, value: .string)
            .flatMapValues { $0.split(separator: " ").map(String.init) }
            .groupBy { _, word in word }
            .count(in: "counts")
            .toStream()
            .to(counts)
        let topology = try builder.build()
        var configuration = StreamsConfiguration(applicationID: name("app"))
        configuration.guarantee = guarantee
        configuration.threads = 2
        configuration.commitInterval = .milliseconds(5)
        let first = StreamsApp(topology, on: backend, configuration: configuration)
        let run = Task { try await first.run() }
        for _ in 0..<2000 where first.processedRecords == 0 { try await Task.sleep(for: .milliseconds(5)) }
        #expect(first.processedRecords > 0)
        run.cancel()
        _ = await run.result
        if guarantee == .exactlyOnce { try FileManager.default.removeItem(atPath: state) }
        let second = StreamsApp(topology, on: backend, configuration: configuration)
        second.shutDownWhenIdle()
        try await second.run()
        var found: [String: Int64] = [:]
        try forEachRecord(of: counts, on: backend.transport) { record in
            let word = String(decoding: try #require(record.key), as: UTF8.self)
            let count: Int64 = try #require(record.value).loadBigEndian()
            if guarantee == .exactlyOnce { #expect(count > found[word] ?? 0, "\(word) was counted backwards or twice") }
            found[word] = count
        }
        if guarantee == .exactlyOnce {
            #expect(found["other"] == 600)
            #expect(found["word0"] == 86)
            #expect(found.values.reduce(0, +) == 1200)
        } else {
            #expect(found.values.reduce(0, +) >= 1200)
        }
    }

    private func name(_ kind: String) -> String { "\(kind)-\(UUID().uuidString.prefix(8))" }

    private func output(_ topic: String, bytes: Int) throws -> OutputBatches {
        let writer = RecordBatchWriter()
        try [UInt8](repeating: 1, count: bytes).withUnsafeBytes { try writer.append(timestamp: 1, key: nil, value: $0) }
        try writer.finish()
        return OutputBatches(partition: TopicPartition(topic, 0), bytes: writer.output, recordCount: 1)
    }

    private func forEachRecord(of topic: String, on transport: any Transport, _ body: (RawRecord) throws -> Void) throws {
        let session = try transport.openSession(named: "reader", group: "reader")
        defer { session.close() }
        for partition in (0..<(try transport.describeTopic(topic)?.partitions ?? 0)).map({ TopicPartition(topic, $0) }) {
            let range = try transport.offsetRange(of: partition)
            var position = range.lowerBound
            try session.assign([partition: position])
            while position < range.upperBound {
                for fetched in try session.poll(maxBytes: 1 << 20, timeout: .seconds(5)) {
                    var batches = RecordBatchCursor(fetched.bytes)
                    while let batch = try batches.next() {
                        var records = try batch.records(decompressingInto: ByteBuffer())
                        while let record = try records.next() { try body(record) }
                    }
                    position = fetched.nextOffset
                }
            }
        }
    }
}
