import Foundation
import Millrace
import MillraceFormats
import MillraceTestKit
import Synchronization
import Testing

/// A record to put into a topic.
struct Input: Sendable {
    var topic: String
    var key: String?
    var value: String?
    var time: Int64
}

/// Apps of one topology after each other on one embedded log, in a directory that goes when the test is over.
final class EngineRun {
    let directory = NSTemporaryDirectory() + "millrace-engine-\(UUID())"
    let log: EmbeddedLog
    let topology: Topology
    var configuration = StreamsConfiguration(applicationID: "app")
    /// What the app said so far.
    let said = Said()
    /// The state of stores; on disk unless a test gives another.
    var memory: MemoryByteStore?
    /// Where commits fail, if anywhere.
    let faults = CommitFaults()

    final class Said: Sendable {
        private let lines = Mutex<[String]>([])
        func add(_ line: String) { lines.withLock { $0.append(line) } }
        var all: [String] { lines.withLock { $0 } }
        func contains(_ text: String) -> Bool { all.contains { $0.contains(text) } }
    }

    init(_ topology: Topology, topics: [String: Int32]) throws {
        self.topology = topology
        log = try EmbeddedLog.open(at: directory + "/log", options: EmbeddedLogOptions(durability: .system, housekeeping: nil))
        // The records are of times long past, which the default retention would remove while a test runs.
        for (name, partitions) in topics {
            try log.createTopic(TopicSpecification(name, partitions: partitions, settings: ["retention.ms": "-1"]))
        }
        configuration.logger = MillraceLogger(level: .info) { [said] level, message, values in
            said.add("\(level) \(message) " + values.map { "\($0.0)=\($0.1)" }.joined(separator: " "))
        }
    }

    deinit {
        do {
            try log.close()
            try FileManager.default.removeItem(atPath: directory)
        } catch { Issue.record("cleaning up: \(error)") }
    }

    var statePath: String { directory + "/state/app" }

    var backend: StreamsBackend {
        var backend = StreamsBackend.embedded(log, statePath: directory + "/state", stateMemory: 8 << 20)
        if let memory { backend.openState = { _, _, _ in memory } }
        backend.transport = FaultyTransport(log, faults)
        return backend
    }

    var app: StreamsApp { StreamsApp(topology, on: backend, configuration: configuration) }

    /// Small rounds and many commits.
    func useSmallCommits() {
        configuration.memoryBudget = 2048
        configuration.commitInterval = .zero
    }

    /// Appends records, a batch for each few, so that a poll can bring some of them only.
    func put(_ inputs: [Input], batch: Int = 7) throws {
        for (topic, records) in Dictionary(grouping: inputs, by: \.topic).sorted(by: { $0.key < $1.key }) {
            let appender = try log.openAppender(to: topic, named: "test-\(topic)", group: "test")
            for (number, record) in records.enumerated() {
                try appender.append(key: record.key, value: record.value, timestamp: Timestamp(milliseconds: record.time))
                if number % batch == batch - 1 { try appender.commit() }
            }
            try appender.commit()
            appender.close()
        }
    }

    /// Runs an app until all input is processed.
    @discardableResult
    func runUntilIdle() async throws -> StreamsApp {
        let app = app
        app.shutDownWhenIdle()
        try await app.run()
        return app
    }

    /// Runs apps, each until its `k`th commit fails, and a last one that succeeds.
    func runUntilIdle(failingAt commits: [Int], after: Bool) async throws {
        for commit in commits {
            faults.fail(at: commit, after: after)
            let app = app
            app.shutDownWhenIdle()
            do { try await app.run() } catch let error as MillraceError where error.message == CommitFaults.message {}
        }
        faults.fail(at: nil, after: false)
        try await runUntilIdle()
    }

    /// All records of a topic, partition by partition.
    func records(of topic: String) throws -> [WrittenRecord] {
        var records: [WrittenRecord] = []
        try log.forEachRecord(of: topic) { record in
            records.append(
                WrittenRecord(
                    key: record.key.map { Array($0) }, value: record.value.map { Array($0) }, timestamp: record.timestamp,
                    headers: try record.headers.decoded()))
        }
        return records
    }

    /// The values of each key in a topic, in order.
    func lists(of topic: String) throws -> [[UInt8]: [String]] { Self.lists(try records(of: topic)) }

    static func lists(_ records: [WrittenRecord]) -> [[UInt8]: [String]] {
        Dictionary(grouping: records) { $0.key ?? [] }.mapValues { $0.map { "\($0.value.map(text) ?? "nil")@\($0.timestamp)" } }
    }

    /// Readable for text and numbers.
    static func text(_ bytes: [UInt8]) -> String {
        bytes.allSatisfy { (32..<127).contains($0) } ? String(decoding: bytes, as: UTF8.self) : "\(bytes)"
    }

    /// What the test driver writes for the same input.
    static func reference(_ topology: Topology, _ inputs: [Input], _ topic: String) throws -> [[UInt8]: [String]] {
        let driver = try TopologyTestDriver(topology, applicationID: "app")
        for input in inputs {
            try driver.input(input.topic, key: Serde.string.optional, value: Serde.string.optional).pipe(
                input.key, input.value, at: Timestamp(milliseconds: input.time))
        }
        return lists(driver.writtenRecords(of: topic))
    }
}

/// Which commits of worker sessions fail.
final class CommitFaults: Sendable {
    static let message = "The commit fails because the test says so."

    private struct State {
        var left: Int?
        var after = false
        var commits = 0
        var polls = 0
        var largestCommit = 0
        var forgetsOffsets = false
        var delay = Duration.zero
    }
    private let state = Mutex(State())

    /// - Parameters:
    ///   - commit: The number of the commit from now, from 1.
    ///   - after: Whether the commit is done before it throws, as if the process had died right behind it.
    func fail(at commit: Int?, after: Bool) {
        state.withLock { ($0.left, $0.after) = (commit, after) }
    }

    var commits: Int { state.withLock { $0.commits } }
    var polls: Int { state.withLock { $0.polls } }
    /// In bytes.
    var largestCommit: Int { state.withLock { $0.largestCommit } }

    /// Whether commits leave offsets out.
    var forgetsOffsets: Bool {
        get { state.withLock { $0.forgetsOffsets } }
        set { state.withLock { $0.forgetsOffsets = newValue } }
    }

    /// How long each commit takes at least.
    var delay: Duration {
        get { state.withLock { $0.delay } }
        set { state.withLock { $0.delay = newValue } }
    }

    fileprivate func countPoll() { state.withLock { $0.polls += 1 } }
    fileprivate func note(_ outputs: [OutputBatches]) {
        let size = outputs.reduce(0) { $0 + $1.bytes.count }
        state.withLock { $0.largestCommit = max($0.largestCommit, size) }
    }

    fileprivate func next() -> (fails: Bool, after: Bool) {
        state.withLock { state in
            state.commits += 1
            guard let left = state.left else { return (false, false) }
            state.left = left - 1
            // A process that is dead does not come back for another commit.
            return (left <= 1, left == 1 && state.after)
        }
    }
}

/// The embedded log, with commits that fail.
private final class FaultyTransport: WrappedTransport {
    private let log: EmbeddedLog
    var wrapped: any Transport { log }
    private let faults: CommitFaults

    init(_ log: EmbeddedLog, _ faults: CommitFaults) {
        self.log = log
        self.faults = faults
    }

    func openSession(named name: String, group: String) throws -> any TransportSession {
        FaultySession(try log.openSession(named: name, group: group), faults)
    }
}

private final class FaultySession: WrappedSession {
    let wrapped: any TransportSession
    private let faults: CommitFaults

    init(_ session: any TransportSession, _ faults: CommitFaults) {
        wrapped = session
        self.faults = faults
    }

    func poll(maxBytes: Int, timeout: Duration) throws -> [FetchedBatches] {
        faults.countPoll()
        return try wrapped.poll(maxBytes: maxBytes, timeout: timeout)
    }

    func commit(_ outputs: [OutputBatches], offsets: [TopicPartition: CommittedOffset]) throws -> [Offset] {
        faults.note(outputs)
        if faults.delay > .zero { usleep(UInt32(faults.delay.components.attoseconds / 1_000_000_000_000)) }
        let (fails, after) = faults.next()
        if fails, !after { throw MillraceError(.transport, CommitFaults.message) }
        let firsts = try wrapped.commit(outputs, offsets: faults.forgetsOffsets ? [:] : offsets)
        if fails { throw MillraceError(.transport, CommitFaults.message) }
        return firsts
    }
}
