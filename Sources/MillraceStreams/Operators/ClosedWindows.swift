import MillraceCore

/// Sends the results of windows of one length once they have closed, in the order of their starts, then keys: `EmitStrategy.onWindowClose`.
///
/// A window that the store has forgotten by then is lost, as in Kafka Streams; a longer retention avoids it.
@usableFromInline
final class ClosedWindows<Key, Result> {
    @usableFromInline let store: WindowStore<Key, Result>
    @usableFromInline let index: WindowIndex
    @usableFromInline let output: Output<Windowed<Key>, Change<Result>>
    @usableFromInline let task: TaskContext
    /// From a window's start to the first time that is not in it.
    @usableFromInline let length: Int64
    @usableFromInline let advance: Int64
    /// Windows that end by this time have been sent; -1 before the first.
    @exclusivity(unchecked) @usableFromInline var sentUntil: Int64?

    @inlinable
    init?(
        _ store: WindowStore<Key, Result>, length: Int64, advance: Int64, _ output: Output<Windowed<Key>, Change<Result>>,
        _ task: TaskContext
    ) {
        guard let index = store.index else { return nil }
        self.store = store
        self.index = index
        self.output = output
        self.task = task
        self.length = length
        self.advance = advance
    }

    /// Sends what has closed since the last call, with the headers of the record that moved time.
    ///
    /// - Parameter prepare: Called before the store is looked through.
    @inlinable
    func send(until closeTime: Int64, _ headers: Headers, after prepare: () throws -> Void = {}) throws {
        let sentUntil = self.sentUntil ?? recalledTime()
        guard closeTime > sentUntil, closeTime >= length else { return }
        self.sentUntil = closeTime
        let lower = max(0, sentUntil < 0 ? 0 : sentUntil - length + 1)
        let upper = closeTime - length
        // No window starts in between.
        if lower > 0, upper / advance == (lower - 1) / advance { return }
        try prepare()
        var hasSent = false
        try index.forEach(in: lower...upper) { start, keyBytes in
            guard let row = try store.row(keyBytes: keyBytes, start) else { return }
            hasSent = true
            let key = Windowed(try store.key(of: keyBytes), store.window(from: start))
            try task.releasing {
                try output.send(Record(key: key, value: Change(new: row.value, old: nil), timestamp: row.timestamp, headers: headers))
            }
        }
        if hasSent { task.processorMetadata[store.name] = closeTime }
    }

    /// Until when an earlier run has sent.
    @usableFromInline
    func recalledTime() -> Int64 {
        let time = task.processorMetadata[store.name] ?? -1
        sentUntil = time
        return time
    }
}
