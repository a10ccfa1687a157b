import MillraceCore

/// Joins the answers of a foreign-key join with the left rows that asked, as far as these are still the same.
///
/// Kafka: `ResponseJoinProcessorSupplier`.
final class ForeignKeyResolveNode<Key, Value, Other, Result> {
    private let lookup: TableLookup<Key, Value>
    private let valueSerde: Serde<Value>
    private let keepsUnmatched: Bool
    private let joiner: (Value, Other?) throws -> Result?
    private let output: Output<Key, Result?>
    private let site: NodeSite
    private let bytes = ByteBuffer()

    /// - Parameters:
    ///   - lookup: Finds rows of the left table.
    ///   - valueSerde: By whose bytes their values are hashed.
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

    private func hash(_ value: Value) throws -> ValueHash {
        bytes.removeAll()
        _ = try valueSerde.write(value, to: bytes)
        return ValueHash(of: bytes.bytes)
    }
}
