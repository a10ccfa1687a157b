import MillraceCore

/// Computes the rows of a table from those of another, with the help of stores. One is made for each task.
///
/// Kafka: `ValueTransformerWithKey`.
public protocol TableTransformer<Key, Value, NewValue>: AnyObject {
    /// The keys of the table.
    associatedtype Key
    /// The values of the table.
    associatedtype Value
    /// The values of the result.
    associatedtype NewValue

    /// The new value of a row; `nil` deletes it.
    ///
    /// Called for deleted rows too (`row.value` is `nil`), for old values when an operator behind needs them, and for rows that are looked up in a table without a store: it
    /// must not count on being called once for each update.
    func transform(_ row: FixedKeyRecord<Key, Value?>) throws -> NewValue?
}

extension KTable {
    /// Each row with a value that a transformer of your own computes, which may use stores and timers.
    ///
    ///     prices.transformValues(connecting: ["rates"]) { context in
    ///         Conversion(rates: try context.store("rates"))     // a class that conforms to TableTransformer
    ///     }
    ///
    /// Without a store of its own the table is computed anew whenever its rows are looked up. Kafka: `transformValues`.
    ///
    /// - Parameters:
    ///   - names: Stores declared elsewhere that the transformer uses.
    ///   - store: Where to keep the result's rows, if it shall have a store.
    ///   - value: How results are written, where they are; the type's own serde when left out.
    ///   - make: Makes the transformer. Its context cannot forward records.
    @inlinable
    public func transformValues<NewValue>(
        connecting names: [String] = [], in store: Materialized? = nil, value: Serde<NewValue>? = nil, named: String? = nil,
        _ make: @escaping @Sendable (ProcessorContext<Never, Never>) throws -> any TableTransformer<Key, Value, NewValue>
    ) -> KTable<Key, NewValue> {
        // Unlike its siblings it takes no number for a store without a name, as in Kafka Streams.
        derived("KTABLE-TRANSFORMVALUES-", in: store, value: value, named: named, connecting: names, numbersStore: false) { storeName in
            let view = TransformedTableView(
                view, store: storeName, isVersioned: store?.isVersioned ?? false, make: make)
            return (
                view,
                { assembly in
                    let node = try TableTransformNode(
                        make(ProcessorContext(withoutOutputs: assembly.site)), store: storeName, sendsOldValues: view.sendsOldValues,
                        assembly)
                    return NodeInput { (record: Record<Key, Change<Value>>) in try node.receive(record) }
                }
            )
        }
    }
}
