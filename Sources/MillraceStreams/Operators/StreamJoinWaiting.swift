import MillraceCore

/// What one side of a left or outer join does with the store of waiting records, seen from that side.
@usableFromInline
struct StreamJoinWaiting<ResultKey, This, Other, Result> {
    @usableFromInline let advance: (Int64) -> Void
    @usableFromInline let streamTime: () -> Int64
    @usableFromInline let add: (UnsafeRawBufferPointer, This, Int64) throws -> Void
    /// Removes the other side's records of a key and time, which have found a partner.
    @usableFromInline let removeOther: (UnsafeRawBufferPointer, Int64, Timestamp) throws -> Void
    /// Sends the records of both sides that have waited in vain.
    @usableFromInline let release: (Timestamp, Headers, Output<ResultKey, Result>) throws -> Void

    @inlinable
    init(
        advance: @escaping (Int64) -> Void, streamTime: @escaping () -> Int64,
        add: @escaping (UnsafeRawBufferPointer, This, Int64) throws -> Void,
        removeOther: @escaping (UnsafeRawBufferPointer, Int64, Timestamp) throws -> Void,
        release: @escaping (Timestamp, Headers, Output<ResultKey, Result>) throws -> Void
    ) {
        self.advance = advance
        self.streamTime = streamTime
        self.add = add
        self.removeOther = removeOther
        self.release = release
    }
}

// How the nodes of a left or outer join of two streams see the store of waiting records that they share.
extension StreamJoin {
    /// As the left side sees it.
    @usableFromInline
    func leftWaiting(
        in store: String, _ windows: JoinWindows, key: Serde<Key>, _ assembly: NodeAssembly
    ) throws -> StreamJoinWaiting<ResultKey, Left, Right, Result> {
        let (store, release) = try waiting(in: store, windows, key: key, assembly)
        let output: Output<ResultKey, Result> = try assembly.output()
        // One of the two nodes is enough: a release gives out the records of both sides.
        assembly.whenIdle { time in
            store.advance(to: time.milliseconds)
            try release(time, Headers(), output)
        }
        return view(of: store, store.left, store.right, waiting: windows.leftWait, release)
    }

    /// As the right side sees it.
    @usableFromInline
    func rightWaiting(
        in store: String, _ windows: JoinWindows, key: Serde<Key>, _ assembly: NodeAssembly
    ) throws -> StreamJoinWaiting<ResultKey, Right, Left, Result> {
        let (store, release) = try waiting(in: store, windows, key: key, assembly)
        return view(of: store, store.right, store.left, waiting: windows.rightWait, release)
    }

    /// - Parameter wait: How long the side's own records wait.
    private func view<This, Other>(
        of store: OuterJoinStore<Left, Right>, _ own: WaitingRecords<This>, _ others: WaitingRecords<Other>, waiting wait: Int64,
        _ release: @escaping Release
    ) -> StreamJoinWaiting<ResultKey, This, Other, Result> {
        StreamJoinWaiting(
            advance: { store.advance(to: $0) }, streamTime: { store.streamTime },
            add: { key, value, time in
                store.expect(time)
                try own.add(key, value, at: time)
            },
            removeOther: { key, time, now in try others.remove(key, at: time, now: now) },
            release: { now, headers, output in
                if store.isReleaseDue(after: wait) { try release(now, headers, output) }
            })
    }

    private typealias Release = (Timestamp, Headers, Output<ResultKey, Result>) throws -> Void

    /// The store of waiting records, and how those that waited in vain are sent.
    private func waiting(
        in store: String, _ windows: JoinWindows, key: Serde<Key>, _ assembly: NodeAssembly
    ) throws -> (OuterJoinStore<Left, Right>, Release) {
        let store: OuterJoinStore<Left, Right> = try assembly.task.store(store)
        let site = assembly.site
        let join = self
        let release: Release = { now, headers, output in
            func send<Value>(_ group: WaitingRecords<Value>.Group, _ unmatched: (@Sendable (ResultKey, Value) throws -> Result)?) throws {
                guard let unmatched else { return }
                let key = try group.bytes.withUnsafeBytes { try key.read(UnsafeRawBufferPointer(rebasing: $0[8...])) }
                for value in group.values {
                    try site.task.releasing {
                        let result: Result
                        do { result = try unmatched(join.resultKey(key), value) } catch { throw site.failure(error) }
                        try output.send(
                            Record(
                                key: join.resultKey(key), value: result, timestamp: Timestamp(milliseconds: group.time), headers: headers))
                    }
                }
            }
            try store.release(
                leftWait: windows.leftWait, rightWait: windows.rightWait, now: now, left: { try send($0, join.unmatchedLeft) },
                right: { try send($0, join.unmatchedRight) })
        }
        return (store, release)
    }
}

extension JoinWindows {
    /// How long a record of the left waits for a partner, and one of the right.
    fileprivate var leftWait: Int64 { after.addingClamped(grace) }
    fileprivate var rightWait: Int64 { before.addingClamped(grace) }
}
