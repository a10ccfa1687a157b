import Foundation
import Millrace
import MillraceFormats
import MillraceKafka

/// The app's input and output: numbers, and how many of them ended in the same digits, told with each number.
struct Numbers {
    /// How many endings there are.
    static let endings = ProcessInfo.processInfo.environment["ENDINGS"].flatMap { Int($0) } ?? 100
    /// Other topics for each test on the same brokers.
    private static let prefix = ProcessInfo.processInfo.environment["TOPIC_PREFIX"] ?? ""
    private static var input: String { prefix + "numbers" }
    private static var output: String { prefix + "counts" }
    private let transport: KafkaTransport

    init(on servers: String) throws {
        // What writes the input and reads the output outlasts brokers that are killed and paused.
        transport = try KafkaTransport(
            bootstrapServers: servers,
            options: KafkaOptions(
                settings: KafkaMember.settings, transactionTimeout: .seconds(300), requestTimeout: .seconds(120)))
    }

    static func topology() throws -> Topology {
        try NumbersTopology.chosen.build(from: input, to: output)
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
        let count = count * NumbersTopology.chosen.resultsPerNumber
        var found = 0
        var positions: [TopicPartition: Offset] = [:]
        while found < count {
            guard Date() < end else { throw MillraceError(.transport, "Only \(found) of \(count) counts came in \(seconds) s.") }
            try transport.forEachRecord(of: Numbers.output, from: &positions) { _ in found += 1 }
            if found < count { Thread.sleep(forTimeInterval: 0.2) }
        }
    }

    /// Compares the whole output with what the input demands: for each key 1, 2, 3 and so on, in this order, and nothing else; of joined counts the last only.
    func check(_ count: Int) throws {
        let program = NumbersTopology.chosen
        var expected: [String: Int64] = [:]
        var numbers = 0
        var positions: [TopicPartition: Offset] = [:]
        try transport.forEachRecord(of: Numbers.input, from: &positions) { record in
            let number = record.value.flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 0
            expected[program.key(of: number, at: record.timestamp), default: 0] += Int64(program.resultsPerNumber)
            numbers += 1
        }
        guard numbers == count else { throw MillraceError(.corruption, "\(numbers) numbers were written, not \(count).") }
        var next: [String: Int64] = [:]
        var faults: [String] = []
        try transport.forEachRecord(of: Numbers.output, from: &positions) { record in
            guard let key = record.key, let value = record.value, value.count == 8 else { return faults.append("a record is malformed") }
            let name = String(decoding: key, as: UTF8.self)
            let told: Int64 = value.loadBigEndian()
            let due = next[name, default: 0] + 1
            if told != due, program != .joined { faults.append("\(name): \(told) where \(due) had to be") }
            next[name] = told
        }
        for key in Set(expected.keys).union(next.keys).sorted() where next[key] != expected[key] {
            faults.append("\(key): \(next[key] ?? 0) in the end, \(expected[key] ?? 0) had to be")
        }
        guard faults.isEmpty else {
            throw MillraceError(.corruption, "\(faults.count) faults: " + faults.prefix(10).joined(separator: "; "))
        }
        print("equal: \(count) numbers, \(expected.count) keys")
    }
}
