import MillraceCommandLine
import MillraceCore
import MillraceFormats
import MillraceLog

/// `millrace dead-letters …`
enum DeadLetterCommands {
    static let tree = CommandTree(
        name: "millrace dead-letters", summary: "Send records that failed back to where they came from.",
        branches: [
            .command(
                "replay",
                CommandLineTable(
                    name: "millrace dead-letters replay",
                    summary: "Copies a dead-letter topic's records back to the topics they came from. The app must be stopped.",
                    operands: "TOPIC",
                    options: [
                        .init("max", value: "N", "Stop after this many records."), .init("dry-run", "Only count."), DataAccess.option,
                    ],
                    footer: """
                        Where a record came from is told by its headers \(topicHeader) and \(partitionHeader). The copy has its key, value and timestamp, and its headers without
                        those of the failure. What was replayed is remembered, together with the copies, in the group \(group): a second run goes on after the first.
                        To replay again: millrace groups reset \(group) --topic TOPIC --to earliest

                        Example:
                          millrace dead-letters replay payments-dead-letters
                        """), replay)
        ])

    private static let prefix = "__streams.errors."
    private static let topicHeader = prefix + "topic"
    private static let partitionHeader = prefix + "partition"
    private static let group = "millrace-dead-letters-replay"

    private static func replay(_ arguments: ParsedArguments) throws {
        let topic = try DataAccess.operand(arguments, "topic")
        let maximum = try arguments.integer("max", in: 0...Int.max) ?? Int.max
        if arguments.has("dry-run") {
            let log = try DataAccess.observe(arguments)
            var copier = try DeadLetterCopier(log, topic, maximum)
            try copier.run(commits: false)
            return report(copier, "would be copied")
        }
        let copier = try DataAccess.write(arguments) { log in
            var copier = try DeadLetterCopier(log, topic, maximum)
            try copier.run(commits: true)
            return copier
        }
        report(copier, "copied")
    }

    private static func report(_ copier: DeadLetterCopier, _ what: String) {
        for (target, count) in copier.counts.sorted(by: { $0.key < $1.key }) {
            print("\(count) record\(count == 1 ? "" : "s") \(what) to \(target)")
        }
        if copier.counts.isEmpty { print("Nothing to replay.") }
    }

    /// Copies record by record, and commits the copies of each fetch together with how far it came.
    private struct DeadLetterCopier {
        private(set) var counts: [String: Int] = [:]
        private let log: EmbeddedLog
        private let session: any TransportSession
        private let source: TopicDescription
        private var remaining: Int
        private let scratch = ByteBuffer()

        init(_ log: EmbeddedLog, _ topic: String, _ maximum: Int) throws {
            self.log = log
            source = try DataAccess.topic(topic, in: log)
            remaining = maximum
            session = try log.openSession(named: DeadLetterCommands.group, group: DeadLetterCommands.group)
        }

        mutating func run(commits: Bool) throws {
            let partitions = (0..<source.partitions).map { TopicPartition(source.name, $0) }
            let done = try log.committedOffsets(of: DeadLetterCommands.group, for: partitions)
            var starts: [TopicPartition: Offset] = [:]
            for partition in partitions {
                let range = try log.offsetRange(of: partition)
                starts[partition] = min(max(done[partition]?.offset ?? 0, range.lowerBound), range.upperBound)
            }
            try session.assign(starts)
            while remaining > 0 {
                let fetched = try session.poll(maxBytes: 1 << 20, timeout: .zero)
                if fetched.isEmpty { return }
                for batches in fetched where remaining > 0 {
                    let start = starts[batches.partition] ?? 0
                    let copies = try copies(of: batches, from: start)
                    starts[batches.partition] = copies.next
                    if commits { _ = try session.commit(copies.outputs, offsets: [batches.partition: CommittedOffset(copies.next)]) }
                    if let stranger = copies.stranger { throw stranger }
                }
            }
        }

        /// The copies of a fetch's records, up to the first one that cannot be copied, if there is one.
        private mutating func copies(
            of fetched: FetchedBatches, from start: Offset
        ) throws -> (outputs: [OutputBatches], next: Offset, stranger: MillraceError?) {
            var writers: [TopicPartition: RecordBatchWriter] = [:]
            var next = start
            var stranger: MillraceError?
            var cursor = RecordBatchCursor(fetched.bytes)
            while remaining > 0, stranger == nil, let batch = try cursor.next() {
                if batch.isControl { continue }
                var records = try batch.records(decompressingInto: scratch)
                while remaining > 0, let record = try records.next() {
                    guard record.offset >= start else { continue }
                    let headers = try record.headers.decoded()
                    let target: TopicPartition
                    do { target = try self.target(of: headers, at: record.offset, fetched.partition) } catch {
                        stranger = error
                        break
                    }
                    let writer = writers[target] ?? RecordBatchWriter()
                    writers[target] = writer
                    try writer.append(
                        timestamp: record.timestamp, headers: Headers(headers.filter { !$0.name.hasPrefix(DeadLetterCommands.prefix) }),
                        key: record.key, value: record.value)
                    counts[target.topic, default: 0] += 1
                    remaining -= 1
                    next = record.offset + 1
                }
            }
            withExtendedLifetime(fetched.owner) {}
            if remaining > 0, stranger == nil { next = fetched.nextOffset }
            let outputs = try writers.sorted { $0.key < $1.key }.map { target, writer in
                try writer.finish()
                return OutputBatches(partition: target, bytes: writer.output, recordCount: writer.recordCount)
            }
            return (outputs, next, stranger)
        }

        /// Where a record came from.
        private func target(of headers: Headers, at offset: Offset, _ partition: TopicPartition) throws(MillraceError) -> TopicPartition {
            func text(_ name: String) -> String? { headers.last(named: name)?.value.map { String(decoding: $0, as: UTF8.self) } }
            guard let topic = text(DeadLetterCommands.topicHeader),
                let number = text(DeadLetterCommands.partitionHeader).flatMap({ Partition($0) })
            else {
                throw MillraceError(
                    .serialization,
                    "The record at offset \(offset) of \(partition) has no headers \(DeadLetterCommands.topicHeader) and \(DeadLetterCommands.partitionHeader): it is no dead letter. \(wayOn(offset, partition))"
                )
            }
            let partitions: Int32?
            do { partitions = try log.describeTopic(topic)?.partitions } catch {
                throw MillraceError(.transport, "Topic \(topic) cannot be looked up.", cause: error)
            }
            guard let partitions, (0..<partitions).contains(number) else {
                throw MillraceError(
                    .transport,
                    "The record at offset \(offset) of \(partition) came from partition \(number) of topic \(topic), which does not exist any more. \(wayOn(offset, partition))"
                )
            }
            return TopicPartition(topic, number)
        }

        private func wayOn(_ offset: Offset, _ partition: TopicPartition) -> String {
            "Those before it were replayed. To pass over it: millrace groups reset \(DeadLetterCommands.group) --topic \(partition.topic) --partition \(partition.partition) --to \(offset.value + 1)"
        }
    }
}
