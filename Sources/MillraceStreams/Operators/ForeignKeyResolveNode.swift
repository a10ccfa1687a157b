import MillraceCore

/// Joins the answers of a foreign-key join with the left rows that asked, as far as these are still the same.
///
/// Kafka: `ResponseJoinProcessorSupplier`.
@usableFromInline
final class ForeignKeyResolveNode<Key, Value, Other, Result> {
    @usableFromInline let lookup: TableLookup<Key, Value>
    @usableFromInline let valueSerde: Serde<Value>
    @usableFromInline let keepsUnmatched: Bool
    @usableFromInline let joiner: (Value, Other?) throws -> Result?
    @usableFromInline let output: Output<Key, Result?>
    @usableFromInline let site: NodeSite
    @usableFromInline let bytes = ByteBuffer()

    /// - Parameters:
    ///   - lookup: Finds rows of the left table.
    ///   - valueSerde: By whose bytes their values are hashed.
    @inlinable
    init(
        _ lookup: TableLookup<Key, Value>, valueSerde: Serde<Value>, keepsUnmatched: Bool, _ assembly: NodeAssembly,
        joiner: @escaping (Value, Other?) throws -> Result?
    ) throws {
        self.lookup = lookup
        self.valueSerde = valueSerde
        self.keepsUnmatched = keepsUnmatched
        self.joiner = joiner
        output = try assembly.output(Key.self, Result?.self)
        site = assembly.site
    }

    @inlinable
    func receive(_ record: Record<Key, ForeignKeyAnswer<Other>>) throws {
        let answer = record.value
        let value = try site.unlessRefused { try lookup.find(record.key) }?.value
        guard try value.map(hash) == answer.hash else { return site.drop(.outdatedAnswer) }
        var result: Result?
        if let value, keepsUnmatched || answer.value != nil {
            do { result = try joiner(value, answer.value) } catch { throw site.failure(error) }
        }
        try output.send(record.with(value: result))
    }

    @inlinable
    func hash(_ value: Value) throws -> ValueHash {
        bytes.removeAll()
        _ = try valueSerde.write(value, to: bytes)
        return ValueHash(of: bytes.bytes)
    }
}
