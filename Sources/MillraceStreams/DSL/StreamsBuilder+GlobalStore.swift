import MillraceCore
import MillracePlan

extension StreamsBuilder {
    /// A store that every instance fills from all partitions of a topic, with a processor of your own that decides what is kept of each record.
    ///
    ///     builder.addGlobalStore(.keyValue(.inMemory("rates"), key: .string, value: .int64), from: "rates", key: .string, value: .json(Rate.self)) { context in
    ///         KeepCents(context)     // a class that conforms to Processor and puts into context.store("rates")
    ///     }
    ///
    /// Any processor may read the store by its name, without being connected to it; only this one may write. There is no changelog: at each start the whole topic goes through the
    /// processor again. A record whose key or value is missing where its type has no room for that is dropped, as in `stream`.
    ///
    /// Kafka: `addGlobalStore`.
    ///
    /// - Parameters:
    ///   - key: How keys are read; the type's own serde when left out.
    ///   - value: How values are read; the type's own serde when left out.
    ///   - make: Makes the processor. Its context cannot forward records.
    public func addGlobalStore<Key, Value>(
        _ store: StoreBuilder, from topic: String, key: Serde<Key>? = nil, value: Serde<Value>? = nil, named: String? = nil,
        _ make: @escaping @Sendable (ProcessorContext<Never, Never>) throws -> any Processor<Key, Value>
    ) {
        check(name: store.declaration.name, of: "store")
        let sourceName = self.name(named, prefix: "KSTREAM-SOURCE-", suffix: "-source")
        let name = self.name(named, prefix: "KTABLE-SOURCE-")
        if (store.declaration.payload as? StorePayload)?.isMortal == true {
            fail(
                "Global store \(store.declaration.name) cannot have a time to live: stream time does not pass there.", kind: .configuration)
        }
        var unlogged = store.declaration
        unlogged.isLogged = false
        let source = GlobalTableSource(
            topic: topic,
            source: PlannedPart(
                sourceName,
                payload: SourcePayload(key: serde(key, for: "the keys of \(topic)"), value: serde(value, for: "the values of \(topic)"))),
            processor: PlannedPart(
                name,
                payload: NodePayload { assembly in
                    let context = ProcessorContext(withoutOutputs: assembly.site)
                    return try context.input(of: make(context))
                }), store: unlogged)
        graph.add(LogicalNode(name, .globalTableSource(source)), parents: [graph.root])
    }
}
