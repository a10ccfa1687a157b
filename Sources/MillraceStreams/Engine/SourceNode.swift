import MillraceCore
import MillraceFormats

/// What makes the source of a task.
@usableFromInline
struct SourcePayload: Sendable {
    @usableFromInline let assemble: @Sendable (NodeAssembly) throws -> TaskSource

    @inlinable
    init(_ assemble: @escaping @Sendable (NodeAssembly) throws -> TaskSource) {
        self.assemble = assemble
    }
}

/// The entry of a task for one topic: turns the bytes of a record into its key and value and sends it on.
@usableFromInline
final class TaskSource {
    /// The time of a record, when it does not come from the record itself; asked when the record becomes the head of its queue.
    let extractTimestamp: ((RawRecord, Timestamp) throws -> Timestamp)?
    /// Processes a record all the way through the task.
    let receive: (RawRecord, Timestamp) throws -> Void

    @usableFromInline
    init(extractTimestamp: ((RawRecord, Timestamp) throws -> Timestamp)?, receive: @escaping (RawRecord, Timestamp) throws -> Void) {
        self.extractTimestamp = extractTimestamp
        self.receive = receive
    }
}

extension SourcePayload {
    @inlinable
    init<Key, Value>(key: Serde<Key>, value: Serde<Value>, extractor: TimestampExtractor<Key, Value>? = nil) {
        self.init { assembly in
            let reader = RecordReader(key: key, value: value, site: assembly.site)
            let output = try assembly.output(Key.self, Value.self)
            let task = assembly.task
            let receive: (RawRecord, Timestamp) throws -> Void = { raw, timestamp in
                guard let record = try reader.read(raw, timestamp) else { return }
                task.set(timestamp, record.headers)
                try output.send(record)
            }
            guard let extractor else { return TaskSource(extractTimestamp: nil, receive: receive) }
            return TaskSource(
                extractTimestamp: { raw, partitionTime in
                    // A record that has no place for its null is left out, and counted, when its turn comes.
                    guard let record = try reader.read(raw, raw.timestamp, dropping: { _ in }) else { return raw.timestamp }
                    do { return try extractor.extract(record, partitionTime) } catch { throw assembly.site.failure(error) }
                }, receive: receive)
        }
    }
}

/// Reads keys and values of raw records.
@usableFromInline
struct RecordReader<Key, Value> {
    @usableFromInline let key: Serde<Key>
    @usableFromInline let value: Serde<Value>
    @usableFromInline let site: NodeSite

    @inlinable
    init(key: Serde<Key>, value: Serde<Value>, site: NodeSite) {
        self.key = key
        self.value = value
        self.site = site
    }

    /// The record, or `nil` when a null stands where the type has no room for one; that is counted.
    @inlinable
    func read(_ raw: RawRecord, _ timestamp: Timestamp) throws -> Record<Key, Value>? {
        try read(raw, timestamp, dropping: { site.drop($0) })
    }

    /// The record, or `nil` when a null stands where the type has no room for one, after `drop` was told.
    @inlinable @inline(__always)
    func read(_ raw: RawRecord, _ timestamp: Timestamp, dropping drop: (DropReason) -> Void) throws -> Record<Key, Value>? {
        guard let key = try read(raw.key, self.key, "key") else {
            drop(.nullKey)
            return nil
        }
        guard let value = try read(raw.value, self.value, "value") else {
            drop(.nullValue)
            return nil
        }
        return Record(key: key, value: value, timestamp: timestamp, headers: raw.headers.count == 0 ? Headers() : try raw.headers.decoded())
    }

    @inlinable
    func read<Part>(_ bytes: UnsafeRawBufferPointer?, _ serde: Serde<Part>, _ part: String) throws -> Part? {
        guard let bytes else { return serde.null }
        do {
            return try serde.read(bytes)
        } catch {
            throw site.unreadable(part, bytes.count, as: serde.name, error)
        }
    }
}

extension NodeSite {
    /// The error of a key or value whose bytes its serde refused.
    @usableFromInline
    func unreadable(_ part: String, _ byteCount: Int, as serde: String, _ error: any Error) -> MillraceError {
        MillraceError(
            .serialization, "The \(part) of a record (\(byteCount) bytes) cannot be read as \(serde).", cause: error, node: name,
            task: task.id, record: task.recordMetadata)
    }
}
