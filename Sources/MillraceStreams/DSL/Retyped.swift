import MillraceCore
import MillracePlan

// The conformance suite chooses operators at run time, so it has one type for all keys and values; what the DSL makes of it, windowed keys
// and counts, goes back to that type here. No node is added: the records are converted on their way from one node to the next.

extension KStream {
    /// The same stream with its records converted to other types.
    package func retyped<NewKey, NewValue>(
        key: Serde<NewKey>?, value: Serde<NewValue>?, _ convert: @escaping @Sendable (Record<Key, Value>) throws -> Record<NewKey, NewValue>
    ) -> KStream<NewKey, NewValue> {
        node.convertOutput(OutputConversion(convert))
        return KStream<NewKey, NewValue>(
            builder: builder, node: node, name: name, key: key, value: value, sources: sources, needsRepartition: needsRepartition)
    }
}

extension KTable {
    /// The same table with its rows converted to other types.
    package func retyped<NewKey, NewValue>(
        key: Serde<NewKey>?, value: Serde<NewValue>?, newKey: @escaping @Sendable (Key) throws -> NewKey,
        oldKey: @escaping @Sendable (NewKey) throws -> Key, newValue: @escaping @Sendable (Value) throws -> NewValue
    ) -> KTable<NewKey, NewValue> {
        node.convertOutput(
            OutputConversion { (record: Record<Key, Change<Value>>) in
                let change = record.value
                return Record(
                    key: try newKey(record.key),
                    value: Change(new: try change.new.map(newValue), old: try change.old.map(newValue), isLatest: change.isLatest),
                    timestamp: record.timestamp, headers: record.headers)
            })
        return KTable<NewKey, NewValue>(
            builder: builder, node: node, name: name, key: key, value: value, sources: sources,
            view: RetypedTableView(view, oldKey: oldKey, newValue: newValue), storeName: storeName)
    }
}

/// Looks rows up in a table of other types.
private final class RetypedTableView<OldKey, OldValue, Key, Value>: TableView<Key, Value>, @unchecked Sendable {
    private let table: TableView<OldKey, OldValue>
    private let oldKey: @Sendable (Key) throws -> OldKey
    private let newValue: @Sendable (OldValue) throws -> Value

    init(
        _ table: TableView<OldKey, OldValue>, oldKey: @escaping @Sendable (Key) throws -> OldKey,
        newValue: @escaping @Sendable (OldValue) throws -> Value
    ) {
        self.table = table
        self.oldKey = oldKey
        self.newValue = newValue
    }

    override func provideOldValues(force: Bool) -> Bool { table.enableOldValues(force: force) }
    override var lookupStores: [String] { table.lookupStores }
    override var isVersioned: Bool { table.isVersioned }

    override func makeLookup(_ assembly: NodeAssembly) throws -> TableLookup<Key, Value> {
        let lookup = try table.makeLookup(assembly)
        let (oldKey, newValue) = (self.oldKey, self.newValue)
        func row(_ row: Row<OldValue>?) throws -> Row<Value>? {
            try row.map { Row(value: try $0.value.map(newValue), timestamp: $0.timestamp, isDirty: false) }
        }
        return TableLookup(
            find: { try row(lookup.find(oldKey($0))) },
            findAsOf: lookup.findAsOf.map { find in { try row(find(oldKey($0), $1)) } })
    }
}

/// Lets a node send records to a node that takes other types.
struct OutputConversion: Sendable {
    /// The input that takes what the node sends, made of one that takes what it is converted to; `nil` when the types do not fit.
    let input: @Sendable (NodeInput) -> NodeInput?

    init<Key, Value, NewKey, NewValue>(_ convert: @escaping @Sendable (Record<Key, Value>) throws -> Record<NewKey, NewValue>) {
        input = { input in
            guard let output = input.input as? Output<NewKey, NewValue> else { return nil }
            return NodeInput { (record: Record<Key, Value>) in try output.send(convert(record)) }
        }
    }
}

extension LogicalNode {
    /// Lets the node send its records also to nodes that take them converted.
    fileprivate func convertOutput(_ conversion: OutputConversion) {
        switch kind {
        case .steps(var steps):
            for (place, step) in steps.enumerated() {
                guard case .processor(let name, let parents, let stores, let payload) = step, name == self.name else { continue }
                steps[place] = .processor(name, parents: parents, stores: stores, payload: converting(payload, conversion))
            }
            kind = .steps(steps)
        case .streamStreamJoin(var join):
            join.merge.payload = converting(join.merge.payload, conversion)
            join.selfJoinPayload = converting(join.selfJoinPayload, conversion)
            kind = .streamStreamJoin(join)
        case .tableSource(var table):
            table.processor.payload = converting(table.processor.payload, conversion)
            kind = .tableSource(table)
        case .root, .source, .globalTableSource, .repartition: break
        }
    }

    private func converting(_ payload: any Sendable, _ conversion: OutputConversion) -> any Sendable {
        guard let payload = payload as? NodePayload else { return payload }
        return NodePayload { assembly in
            var assembly = assembly
            assembly.conversions.append(conversion)
            return try payload.assemble(assembly)
        }
    }
}
