import MillraceCore

/// Sends the results of sessions once they have closed, in the order of their ends: `EmitStrategy.onWindowClose`.
///
/// A session that the store has forgotten by then is lost, as in Kafka Streams; a longer retention avoids it.
@usableFromInline
final class ClosedSessions<Key, Result> {
    @usableFromInline let store: SessionStore<Key, Result>
    @usableFromInline let index: WindowIndex
    @usableFromInline let output: Output<Windowed<Key>, Change<Result>>
    @usableFromInline let task: TaskContext
    /// Sessions that end before this time have been sent.
    @exclusivity(unchecked) @usableFromInline var sentUntil: Int64?

    @inlinable
    init?(_ store: SessionStore<Key, Result>, _ output: Output<Windowed<Key>, Change<Result>>, _ task: TaskContext) {
        guard let index = store.index else { return nil }
        self.store = store
        self.index = index
        self.output = output
        self.task = task
    }

    /// Sends what has closed since the last call, with the headers of the record that moved time.
    @inlinable
    func send(until closeTime: Int64, _ headers: Headers) throws {
        let sentUntil = self.sentUntil ?? task.processorMetadata[store.name] ?? -1
        guard closeTime > sentUntil, closeTime > 0 else { return }
        self.sentUntil = closeTime
        var hasSent = false
        try index.forEach(in: max(0, sentUntil)...closeTime - 1) { end, rest in
            guard let (key, value) = try store.session(end: end, rest: rest) else { return }
            hasSent = true
            try task.releasing {
                try output.send(Record(key: key, value: Change(new: value, old: nil), timestamp: key.window.end, headers: headers))
            }
        }
        if hasSent { task.processorMetadata[store.name] = closeTime }
    }
}
