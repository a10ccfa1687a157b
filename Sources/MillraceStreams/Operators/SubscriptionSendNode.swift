import MillraceCore

/// Tells the right side of a foreign-key join, for each change of a left row, which foreign key it points at now.
///
/// Kafka: `SubscriptionSendProcessorSupplier`.
@usableFromInline
final class SubscriptionSendNode<Key, Value, ForeignKey> {
    @usableFromInline let foreignKey: (Key, Value) throws -> ForeignKey?
    @usableFromInline let keepsUnmatched: Bool
    @usableFromInline let foreignSerde: Serde<ForeignKey>
    @usableFromInline let valueSerde: Serde<Value>
    @usableFromInline let ignoresThePast: Bool
    @usableFromInline let output: Output<ForeignKey?, Subscription<Key>>
    @usableFromInline let site: NodeSite
    @usableFromInline let partition: Partition
    @usableFromInline let bytes = ByteBuffer()
    @usableFromInline let otherBytes = ByteBuffer()

    /// - Parameters:
    ///   - keepsUnmatched: Whether the join is a left join.
    ///   - foreignSerde: By whose bytes foreign keys are compared.
    ///   - valueSerde: By whose bytes values are hashed.
    @inlinable
    init(
        keepsUnmatched: Bool, foreignSerde: Serde<ForeignKey>, valueSerde: Serde<Value>, _ assembly: NodeAssembly,
        foreignKey: @escaping (Key, Value) throws -> ForeignKey?
    ) throws {
        self.foreignKey = foreignKey
        self.keepsUnmatched = keepsUnmatched
        self.foreignSerde = foreignSerde
        self.valueSerde = valueSerde
        ignoresThePast = !assembly.versionedInputs.isEmpty
        output = try assembly.output(ForeignKey?.self, Subscription<Key>.self)
        site = assembly.site
        partition = assembly.task.id.partition
    }

    @inlinable
    func receive(_ record: Record<Key, Change<Value>>) throws {
        let change = record.value
        if ignoresThePast, !change.isLatest { return site.drop(.outOfOrder) }
        if change.new == nil, change.old == nil { return }
        let old = try site.unlessRefused { try change.old.flatMap { try foreignKey(record.key, $0) } }
        let new: ForeignKey?
        do { new = try change.new.flatMap { try foreignKey(record.key, $0) } } catch {
            let refusal = try site.refusal(error)
            // A left join has no instruction for it: the result stays until the row's next update.
            if let old { try send(keepsUnmatched ? .drop : .dropAndAnswer, to: old, record) }
            throw refusal
        }
        if keepsUnmatched {
            if let old, try new.map({ try !areSame(old, $0) }) ?? true { try send(.drop, to: old, record) }
            // A row without foreign key asks too, with no key, and is answered that there is no row.
            return try send(.answerAlways, to: new, record)
        }
        switch (old, new) {
        case (nil, nil): site.drop(.nullKey)
        case (nil, let new?): try send(.answerIfFound, to: new, record)
        case (let old?, nil): try send(.dropAndAnswer, to: old, record)
        case (let old?, let new?):
            if try areSame(old, new) { return try send(.answerIfFound, to: new, record) }
            try send(.drop, to: old, record)
            try send(.answerAlways, to: new, record)
        }
    }

    @inlinable
    func send(
        _ instruction: Subscription<Key>.Instruction, to foreign: ForeignKey?, _ record: Record<Key, Change<Value>>
    ) throws {
        let subscription = Subscription(
            hash: try record.value.new.map(hash), instruction: instruction, primaryKey: record.key, primaryPartition: partition)
        try output.send(Record(key: foreign, value: subscription, timestamp: record.timestamp, headers: record.headers))
    }

    @inlinable
    func hash(_ value: Value) throws -> ValueHash {
        bytes.removeAll()
        _ = try valueSerde.write(value, to: bytes)
        return ValueHash(of: bytes.bytes)
    }

    @inlinable
    func areSame(_ first: ForeignKey, _ second: ForeignKey) throws -> Bool {
        bytes.removeAll()
        otherBytes.removeAll()
        _ = try foreignSerde.write(first, to: bytes)
        _ = try foreignSerde.write(second, to: otherBytes)
        return bytes.bytes.elementsEqual(otherBytes.bytes)
    }
}
