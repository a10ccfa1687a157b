import Foundation
import Millrace
import MillraceFormats
import MillraceKafka

/// The app's input and output: numbers, and how many of them ended in the same digits, told with each number.
struct Numbers {
    /// How many endings there are.
    static let endings = 100
    /// Other topics for each test on the same brokers.
    private static let prefix = ProcessInfo.processInfo.environment["TOPIC_PREFIX"] ?? ""
    private static var input: String { prefix + "numbers" }
    private static var output: String { prefix + "counts" }
    private let transport: KafkaTransport

    init(on servers: String) throws {
        // What writes the input and reads the output outlasts brokers that are killed and paused.
        transport = try KafkaTransport(
            bootstrapServers: servers, options: KafkaOptions(transactionTimeout: .seconds(300), requestTimeout: .seconds(120)))
    }

    static func topology() throws -> Topology {
        let builder = StreamsBuilder()
        builder.stream(input, value: .string)
            .groupBy { _, number in "\((Int(number) ?? 0) % Numbers.endings)" }
            .count(in: "counts-by-ending")
            .toStream()
            .to(output)
        return try builder.build()
    }

    /// Writes the numbers from 0 on, in topics that are made if they are missing.
    ///
    /// - Parameter seconds: How long to take for it at least.
    func produce(_ count: Int, _ partitions: Int32, seconds: Double) throws {
        for topic in [Numbers.input, Numbers.output] where try transport.describeTopic(topic) == nil {
            try transport.createTopic(TopicSpecification(topic, partitions: partitions))
        }
        let producer = try Producer<String?, String>(
            to: Numbers.input, on: .kafka(transport, state: "unused"), named: Numbers.input + "-producer")
        let chunk = max(1, min(1000, count / Int(partitions * 4)))
        let start = Date()
        for number in 0..<count {
            try producer.send("\(number)")
            guard number % chunk == chunk - 1 else { continue }
            try producer.commit()
            let early = seconds * Double(number + 1) / Double(count) + start.timeIntervalSinceNow
            if early > 0 { Thread.sleep(forTimeInterval: early) }
        }
        try producer.commit()
    }

    /// Waits until as many counts are committed, which says nothing of what they are.
    func wait(for count: Int, seconds: Double) throws {
        let end = Date().addingTimeInterval(seconds)
        var found = 0
        var positions: [TopicPartition: Offset] = [:]
        while found < count {
            guard Date() < end else { throw MillraceError(.transport, "Only \(found) of \(count) counts came in \(seconds) s.") }
            try read(from: &positions) { _ in found += 1 }
            if found < count { Thread.sleep(forTimeInterval: 0.2) }
        }
    }

    /// Compares the whole output with the reference: for each ending 1, 2, 3 and so on, in this order, and nothing else.
    func check(_ count: Int) throws {
        var next: [String: Int64] = [:]
        var faults: [String] = []
        var positions: [TopicPartition: Offset] = [:]
        try read(from: &positions) { record in
            guard let key = record.key, let value = record.value, value.count == 8 else { return faults.append("a record is malformed") }
            let ending = String(decoding: key, as: UTF8.self)
            let told: Int64 = value.loadBigEndian()
            let expected = next[ending, default: 0] + 1
            if told != expected { faults.append("ending \(ending): \(told) where \(expected) had to be") }
            next[ending] = told
        }
        for ending in 0..<Numbers.endings {
            let expected = Int64((count - ending + Numbers.endings - 1) / Numbers.endings)
            let found = next["\(ending)"] ?? 0
            if found != expected { faults.append("ending \(ending): \(found) in the end, \(expected) had to be") }
        }
        guard faults.isEmpty else {
            throw MillraceError(.corruption, "\(faults.count) faults: " + faults.prefix(10).joined(separator: "; "))
        }
        print("equal: \(count) counts")
    }

    /// Reads what is committed behind the positions, and moves them.
    private func read(from positions: inout [TopicPartition: Offset], _ body: (RawRecord) throws -> Void) throws {
        let session = try transport.openSession(named: "reader", group: "reader", guarantee: .atLeastOnce)
        defer { session.close() }
        let scratch = ByteBuffer()
        for number in 0..<(try transport.describeTopic(Numbers.output)?.partitions ?? 0) {
            let partition = TopicPartition(Numbers.output, number)
            let range = try transport.offsetRange(of: partition)
            var position = positions[partition] ?? range.lowerBound
            try session.assign([partition: position])
            while position < range.upperBound {
                for fetched in try session.poll(maxBytes: 1 << 20, timeout: .seconds(1)) {
                    var batches = RecordBatchCursor(fetched.bytes)
                    while let batch = try batches.next() {
                        if batch.isControl { continue }
                        var records = try batch.records(decompressingInto: scratch)
                        while let record = try records.next() {
                            if record.offset >= position { try body(record) }
                        }
                    }
                    position = fetched.nextOffset
                }
            }
            positions[partition] = position
        }
    }
}
