import Foundation
import Millrace
import MillraceFormats
import Synchronization

extension ExampleRun {
    /// The latest value of each key of a topic; keys whose latest value is null are left out.
    public func latestValues<Key: Hashable, Value>(of topic: String, key: Serde<Key>, value: Serde<Value>) throws -> [Key: Value] {
        var table: [Key: Value] = [:]
        try transport.forEachRecord(of: topic) { record in
            guard let bytes = record.key else { return }
            table[try key.read(bytes)] = try record.value.map { try value.read($0) }
        }
        return table
    }

    /// All values of a topic.
    public func values<Value>(of topic: String, value: Serde<Value>) throws -> [Value] {
        var values: [Value] = []
        try transport.forEachRecord(of: topic) { record in
            if let bytes = record.value { values.append(try value.read(bytes)) }
        }
        return values
    }

    /// Writes a table to a topic, all of it at once, if the topic is still empty. The records are older than any other, so that a join finds them from the start.
    public func fill<Key, Value>(_ topic: String, with rows: [(key: Key, value: Value)], key: Serde<Key>, value: Serde<Value>) throws {
        let name = "table-of-\(topic)"
        let place = TopicPartition(topic, 0)
        // An offset that is committed with the table says that it is there; an embedded log of earlier has none.
        guard try transport.committedOffsets(of: name, for: [place]).isEmpty else { return }
        if try log?.offsetRange(of: place).upperBound ?? 0 > 0 { return }
        let session = try transport.openSession(named: name, group: name)
        defer { session.close() }
        let writers = (0..<(try transport.describeTopic(topic)?.partitions ?? 1)).map { _ in RecordBatchWriter() }
        let keyBytes = ByteBuffer()
        let valueBytes = ByteBuffer()
        for (rowKey, row) in rows {
            keyBytes.removeAll()
            valueBytes.removeAll()
            _ = try key.write(rowKey, to: keyBytes)
            _ = try value.write(row, to: valueBytes)
            let partition = Murmur2.partition(forKey: keyBytes.bytes, count: Int32(writers.count))
            try writers[Int(partition)].append(timestamp: 1, key: keyBytes.bytes, value: valueBytes.bytes)
        }
        for writer in writers { try writer.finish() }
        let outputs = writers.enumerated().filter { $0.element.recordCount > 0 }.map {
            OutputBatches(
                partition: TopicPartition(topic, Partition($0.offset)), bytes: $0.element.output, recordCount: $0.element.recordCount)
        }
        _ = try session.commit(outputs, offsets: [place: CommittedOffset(Offset(Int64(rows.count)))])
    }

    /// Calls `body` for each value that is committed to a topic from now on, on a thread of its own.
    public func follow<Value>(
        _ topic: String, value: Serde<Value>, _ body: @escaping @Sendable (Value) -> Void
    ) throws -> Follower {
        let follower = Follower()
        let session = try transport.openSession(named: "follower-of-\(topic)", group: "follower-of-\(topic)")
        var positions: [TopicPartition: Offset] = [:]
        for partition in 0..<(try transport.describeTopic(topic)?.partitions ?? 0) {
            let partition = TopicPartition(topic, partition)
            positions[partition] = try transport.offsetRange(of: partition).upperBound
        }
        try session.assign(positions)
        follower.start(session, positions) { record in
            if let bytes = record.value { body(try value.read(bytes)) }
        }
        return follower
    }
}

/// A thread that reads what is committed to a topic.
public final class Follower: Sendable {
    private let isFinishing = Mutex(false)
    private let ended = DispatchSemaphore(value: 0)

    /// Reads what is still there, then ends.
    public func finish() {
        isFinishing.withLock { $0 = true }
        ended.wait()
    }

    fileprivate func start(
        _ session: any TransportSession, _ positions: [TopicPartition: Offset], _ body: @escaping @Sendable (RawRecord) throws -> Void
    ) {
        let reading = Reading(session: session, positions: positions)
        Thread.detachNewThread { [self] in
            defer {
                reading.session.close()
                ended.signal()
            }
            do {
                while true {
                    let isLast = isFinishing.withLock { $0 }
                    let read = try reading.poll(timeout: isLast ? .zero : .milliseconds(100), body)
                    if isLast, !read { return }
                }
            } catch {
                StandardError.write("Following a topic ended: \(error)\n")
            }
        }
    }
}

/// Where a follower is. Handed to its thread once, and used by no other.
private final class Reading: @unchecked Sendable {
    let session: any TransportSession
    private var positions: [TopicPartition: Offset]
    private let scratch = ByteBuffer()

    init(session: any TransportSession, positions: [TopicPartition: Offset]) {
        self.session = session
        self.positions = positions
    }

    /// - Returns: Whether anything was there.
    func poll(timeout: Duration, _ body: (RawRecord) throws -> Void) throws -> Bool {
        let batches = try session.poll(maxBytes: 1 << 20, timeout: timeout)
        for fetched in batches {
            let start = positions[fetched.partition] ?? 0
            var cursor = RecordBatchCursor(fetched.bytes)
            while let batch = try cursor.next() {
                if batch.isControl { continue }
                var records = try batch.records(decompressingInto: scratch)
                while let record = try records.next() {
                    if record.offset >= start { try body(record) }
                }
            }
            positions[fetched.partition] = fetched.nextOffset
        }
        return !batches.isEmpty
    }
}
