import MillraceCore

/// The join of a stream with a versioned table that holds records back until rows may not come late any more.
///
/// Kafka: `KStreamKTableJoinProcessor` with a grace period.
@usableFromInline
final class HeldStreamTableJoin<Key, Value, Left, TableKey, Row, Result> {
    @usableFromInline let join: StreamTableJoinNode<Key, Left, TableKey, Row, Result>
    @usableFromInline let inlet: JoinInlet<Key, Value, TableKey, Left>
    @usableFromInline let buffer: GraceBuffer<Key, Value>
    @usableFromInline let site: NodeSite

    @inlinable
    init(
        _ join: StreamTableJoinNode<Key, Left, TableKey, Row, Result>, _ inlet: JoinInlet<Key, Value, TableKey, Left>,
        _ buffer: GraceBuffer<Key, Value>, _ site: NodeSite
    ) throws {
        self.join = join
        self.inlet = inlet
        self.buffer = buffer
        self.site = site
    }

    @inlinable
    func receive(_ record: Record<Key, Value>) throws {
        guard let value = inlet.left(record.value) else { return site.drop(.nullValue) }
        // Without a key no row can come late, so there is nothing to wait for. (Kafka Streams fails here.)
        let rowKey = inlet.rowKey(record.key)
        guard rowKey != nil, try buffer.put(record) else {
            return try join.receive(record.key, at: rowKey, value, record.timestamp, record.headers)
        }
        try release()
    }

    /// Joins what has waited long enough, as of a time that no record brought about.
    @inlinable
    func passTime(to time: Timestamp) throws {
        try buffer.passTime(to: time)
        try release()
    }

    @inlinable
    func release() throws {
        try buffer.release { held in
            guard let value = inlet.left(held.value) else { return }
            try join.receive(held.key, at: inlet.rowKey(held.key), value, held.timestamp, held.headers)
        }
    }
}

extension StreamTableJoinNode {
    /// The inside of a join that holds records back in a store.
    @inlinable
    func heldBack<Value>(
        in buffer: String, _ inlet: JoinInlet<Key, Value, TableKey, Left>, _ assembly: NodeAssembly
    ) throws -> NodeInput {
        let held = try HeldStreamTableJoin(self, inlet, try assembly.task.store(buffer), assembly.site)
        assembly.whenIdle { time in try held.passTime(to: time) }
        return NodeInput { (record: Record<Key, Value>) in try held.receive(record) }
    }
}
