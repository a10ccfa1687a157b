import MillraceCore

/// Holds the changes of a table back until their time has come, or there are too many of them.
///
/// They leave in order of their time, then of their key's bytes, with the time, headers and origin of their own record.
///
/// Kafka: `KTableSuppressProcessorSupplier`.
@usableFromInline
final class SuppressNode<Key, Value> {
    @usableFromInline let store: SuppressionStore<Key, Value>
    @usableFromInline let bounds: SuppressionBounds
    @usableFromInline let wait: Int64
    @usableFromInline let dropsDeletions: Bool
    @usableFromInline let dueTime: (Record<Key, Change<Value>>) -> Int64
    @usableFromInline let output: Output<Key, Change<Value>>
    @usableFromInline let site: NodeSite
    @usableFromInline let streamTime: ObservedTime

    @inlinable
    init(
        store: String, _ bounds: SuppressionBounds, wait: Int64, dropsDeletions: Bool,
        dueTime: @escaping (Record<Key, Change<Value>>) -> Int64, _ assembly: NodeAssembly
    ) throws {
        self.store = try assembly.task.store(store)
        self.bounds = bounds
        self.wait = wait
        self.dropsDeletions = dropsDeletions
        self.dueTime = dueTime
        output = try assembly.output()
        site = assembly.site
        streamTime = assembly.task.observedTime(of: assembly.name)
        assembly.whenIdle { [self] time in
            streamTime.advance(to: time.milliseconds)
            try sendDue()
        }
    }

    @inlinable
    func receive(_ record: Record<Key, Change<Value>>) throws {
        streamTime.advance(to: record.timestamp.milliseconds)
        try store.put(record, dueTime: dueTime(record))
        try sendDue()
        guard isFull else { return }
        guard bounds.whenFull == .emitEarly else { throw overflow() }
        while isFull { try sendFirst() }
    }

    @inlinable
    func sendDue() throws {
        let due = streamTime.value.addingClamped(-wait)
        while let first = store.firstTime, first <= due { try sendFirst() }
    }

    @inlinable var isFull: Bool {
        if let maximum = bounds.maximumRecords, store.count > maximum { return true }
        if let maximum = bounds.maximumBytes, store.bufferedBytes > maximum { return true }
        return false
    }

    @inlinable
    func sendFirst() throws {
        guard let first = store.first else { return }
        let change = store.entries[first].change
        if change.new != nil || !dropsDeletions {
            let (key, origin) = (store.entries[first].key, store.entries[first].origin)
            let record = Record(key: key, value: change, timestamp: Timestamp(milliseconds: origin.timestamp), headers: origin.headers)
            try site.task.releasing(origin) { try output.send(record) }
        }
        store.removeFirst()
    }

    @usableFromInline
    func overflow() -> MillraceError {
        let records = bounds.maximumRecords.map { "\(store.count) of \($0) records" }
        let bytes = bounds.maximumBytes.map { "\(store.bufferedBytes) of \($0) bytes" }
        return MillraceError(
            .processing,
            "\(site.name) holds more rows back than it may: \([records, bytes].compactMap { $0 }.joined(separator: ", ")). Raise the bound, shorten the wait, or let rows leave early.",
            node: site.name, task: site.task.id, record: site.task.recordMetadata)
    }
}
