import MillraceCore

/// Keeps one result for each key and session, and sends each change of it, or the last result once the session has closed.
///
/// A record that falls into, or near, sessions that exist makes one session of them all. Updates say so by deleting the old ones first, even one that does not grow, except when
/// the session is a single point in time.
///
/// Kafka: `KStreamSessionWindowAggregate`.
final class SessionAggregateNode<Key, Value, Result> {
    private let aggregate: StreamAggregate<Key, Value, Result>
    private let merge: SessionMerger<Key, Result>
    private let windows: SessionWindows
    private let sendsOldValues: Bool
    private let store: SessionStore<Key, Result>
    private let output: Output<Windowed<Key>, Change<Result>>
    /// `nil`: every change is sent.
    private let closed: ClosedSessions<Key, Result>?
    private let site: NodeSite
    /// The highest time of a record with a key that this node got.
    private let streamTime: ObservedTime
    /// The sessions that become one, reused from record to record.
    private var merged: ContiguousArray<(session: Window, value: Result)> = []

    init(
        _ aggregate: StreamAggregate<Key, Value, Result>, merging merge: @escaping SessionMerger<Key, Result>, _ windows: SessionWindows,
        _ context: AggregateContext<Value>, _ assembly: NodeAssembly
    ) throws {
        self.aggregate = aggregate
        self.merge = merge
        self.windows = windows
        sendsOldValues = context.sendsOldValues
        store = try assembly.task.store(context.store)
        output = try assembly.output()
        closed = ClosedSessions(store, output, assembly.task)
        site = assembly.site
        streamTime = assembly.task.observedTime(of: assembly.name)
        if closed != nil { assembly.whenIdle { [self] time in try passTime(to: time) } }
    }

    private func passTime(to time: Timestamp) throws {
        streamTime.advance(to: time.milliseconds)
        try closed?.send(until: streamTime.value - windows.leastRetention, Headers())
    }

    func receive(_ key: Key?, _ value: Value, _ timestamp: Timestamp, _ headers: Headers) throws {
        guard let key else { return site.drop(.nullKey) }
        streamTime.advance(to: timestamp.milliseconds)
        let closeTime = streamTime.value - windows.leastRetention
        // A record that failed has left what it had found.
        merged.removeAll(keepingCapacity: true)
        let session = try findSessions(of: key, near: timestamp)
        if session.end.milliseconds < closeTime {
            site.drop(.late)
        } else {
            try update(key, session, with: value, at: timestamp, headers)
        }
        try closed?.send(until: closeTime, headers)
    }

    /// Collects the sessions that a record belongs to, and gives the one that they become.
    private func findSessions(of key: Key, near timestamp: Timestamp) throws -> Window {
        var session = Window(start: timestamp, end: timestamp)
        let latestStart = timestamp.advanced(byMilliseconds: windows.gap)
        try store.forEachSession(key, endingFrom: max(0, timestamp.milliseconds - windows.gap)) { next, value in
            // Sessions of a key do not overlap: those that follow start even later.
            guard next.start <= latestStart else { return false }
            merged.append((next, value))
            session = Window(start: min(session.start, next.start), end: max(session.end, next.end))
            return true
        }
        return session
    }

    private func update(_ key: Key, _ session: Window, with value: Value, at timestamp: Timestamp, _ headers: Headers) throws {
        let result: Result?
        do {
            var before = try aggregate.initial()
            for (_, next) in merged { before = try merge(key, before, next) }
            result = try aggregate.apply(key, value, before)
        } catch { throw site.failure(error) }
        try site.task.handling(timestamp, headers) {
            if session.start != session.end {
                for (old, value) in merged {
                    try store.remove(key, old)
                    try send(key, old, Change(new: nil, old: sendsOldValues ? value : nil))
                }
            }
            try store.put(key, session, result)
            try send(key, session, Change(new: result, old: nil))
        }
    }

    private func send(_ key: Key, _ session: Window, _ change: Change<Result>) throws {
        guard closed == nil else { return }
        try output.send(Record(key: Windowed(key, session), value: change, timestamp: session.end))
    }
}

/// Makes one result of two sessions of a key: gets the result so far, `nil` before the first session unless there is an initial one, and that of the next session.
typealias SessionMerger<Key, Result> = @Sendable (Key, Result?, Result) throws -> Result?
