import MillraceCore

/// Holds the changes of a table back until their time has come, or there are too many of them.
///
/// They leave in order of their time, then of their key's bytes, with the time, headers and origin of their own record.
///
/// Kafka: `KTableSuppressProcessorSupplier`.
final class SuppressNode<Key, Value> {
    private let store: SuppressionStore<Key, Value>
    private let bounds: SuppressionBounds
    private let wait: Int64
    private let dropsDeletions: Bool
    private let dueTime: (Record<Key, Change<Value>>) -> Int64
    private let output: Output<Key, Change<Value>>
    private let site: NodeSite
    private let streamTime: ObservedTime

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

    func receive(_ record: Record<Key, Change<Value>>) throws {
        streamTime.advance(to: record.timestamp.milliseconds)
        try store.put(record, dueTime: dueTime(record))
        try sendDue()
        guard isFull else { return }
        guard bounds.whenFull == .emitEarly else { throw overflow() }
        while isFull { try sendFirst() }
    }

    private func sendDue() throws {
        let due = streamTime.value.addingClamped(-wait)
        while let first = store.firstTime, first <= due { try sendFirst() }
    }

    private var isFull: Bool {
        if let maximum = bounds.maximumRecords, store.count > maximum { return true }
        if let maximum = bounds.maximumBytes, store.bufferedBytes > maximum { return true }
        return false
    }

    private func sendFirst() throws {
        guard let first = try store.first() else { return }
        if first.change.new != nil || !dropsDeletions {
            let task = site.task
            let (topic, offset) = (task.sourceTopic, task.sourceOffset)
            task.sourceTopic = first.origin.topic
            task.sourceOffset = Offset(first.origin.offset)
            defer { (task.sourceTopic, task.sourceOffset) = (topic, offset) }
            let record = Record(
                key: first.key, value: first.change, timestamp: Timestamp(milliseconds: first.origin.timestamp),
                headers: first.origin.headers)
            try task.releasing { try task.handling(record.timestamp, record.headers) { try output.send(record) } }
        }
        store.removeFirst()
    }

    private func overflow() -> MillraceError {
        let records = bounds.maximumRecords.map { "\(store.count) of \($0) records" }
        let bytes = bounds.maximumBytes.map { "\(store.bufferedBytes) of \($0) bytes" }
        return MillraceError(
            .processing,
            "\(site.name) holds more rows back than it may: \([records, bytes].compactMap { $0 }.joined(separator: ", ")). Raise the bound, shorten the wait, or let rows leave early.",
            node: site.name, task: site.task.id, record: site.task.recordMetadata)
    }
}
