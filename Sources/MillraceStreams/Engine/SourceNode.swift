import MillraceCore
import MillraceFormats

/// What makes the source of a task.
struct SourcePayload: Sendable {
    let assemble: @Sendable (NodeAssembly) throws -> TaskSource
}

/// The entry of a task for one topic: turns the bytes of a record into its key and value and sends it on.
final class TaskSource {
    /// The time of a record, when it does not come from the record itself; asked when the record becomes the head of its queue.
    let extractTimestamp: ((RawRecord, Timestamp) throws -> Timestamp)?
    /// Processes a record all the way through the task.
    let receive: (RawRecord, Timestamp) throws -> Void

    init(extractTimestamp: ((RawRecord, Timestamp) throws -> Timestamp)?, receive: @escaping (RawRecord, Timestamp) throws -> Void) {
        self.extractTimestamp = extractTimestamp
        self.receive = receive
    }
}

extension SourcePayload {
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
                    guard let record = try reader.read(raw, raw.timestamp) else { return raw.timestamp }
                    do { return try extractor.extract(record, partitionTime) } catch { throw assembly.site.failure(error) }
                }, receive: receive)
        }
    }
}

/// Reads keys and values of raw records.
struct RecordReader<Key, Value> {
    let key: Serde<Key>
    let value: Serde<Value>
    let site: NodeSite

    /// The record, or `nil` when a null stands where the type has no room for one; that is counted.
    func read(_ raw: RawRecord, _ timestamp: Timestamp) throws -> Record<Key, Value>? {
        guard let key = try read(raw.key, self.key, "key") else {
            site.drop(.nullKey)
            return nil
        }
        guard let value = try read(raw.value, self.value, "value") else {
            site.drop(.nullValue)
            return nil
        }
        return Record(key: key, value: value, timestamp: timestamp, headers: raw.headers.count == 0 ? Headers() : try raw.headers.decoded())
    }

    private func read<Part>(_ bytes: UnsafeRawBufferPointer?, _ serde: Serde<Part>, _ part: String) throws -> Part? {
        guard let bytes else { return serde.null }
        do {
            return try serde.read(bytes)
        } catch {
            throw MillraceError(
                .serialization, "The \(part) of a record (\(bytes.count) bytes) cannot be read as \(serde.name).", cause: error,
                node: site.name, task: site.task.id, record: site.task.recordMetadata)
        }
    }
}
