import MillraceCore
import MillracePlan

extension KStream {
    /// Hands each record to a processor of your own, which may keep state, set timers and send on any number of records.
    ///
    ///     payments.process(bringing: [.keyValue("last-payment", key: .string, value: .json(Payment.self))]) { context in
    ///         LastPayment(context)     // a class that conforms to Processor
    ///     }
    ///
    /// The key may change, so a grouping, join or table that follows goes through a repartition topic; use `processValues` where it stays. Kafka: `process`.
    ///
    /// - Parameters:
    ///   - stores: Stores of the processor's own. A store may be brought along by several processors, which then share it.
    ///   - names: Stores declared elsewhere that the processor uses: `StreamsBuilder.addStore`, or tables by the name of their store.
    ///   - make: Makes the processor, once for each task.
    public func process<NewKey, NewValue>(
        bringing stores: [StoreBuilder] = [], connecting names: [String] = [], named: String? = nil,
        _ make: @escaping @Sendable (ProcessorContext<NewKey, NewValue>) throws -> any Processor<Key, Value>
    ) -> KStream<NewKey, NewValue> {
        processed("KSTREAM-PROCESSOR-", bringing: stores, connecting: names, named: named, changesKey: true) { assembly in
            let context = try ProcessorContext<NewKey, NewValue>(assembly)
            return try context.input(of: make(context))
        }
    }

    /// Hands each record to a processor of your own that ends the stream. Kafka: `process`.
    public func process(
        bringing stores: [StoreBuilder] = [], connecting names: [String] = [], named: String? = nil,
        _ make: @escaping @Sendable (ProcessorContext<Never, Never>) throws -> any Processor<Key, Value>
    ) {
        _ =
            process(bringing: stores, connecting: names, named: named) { (context: ProcessorContext<Never, Never>) in try make(context) }
            as KStream<Never, Never>
    }

    /// Hands each record to a processor of your own that cannot change the key, so that nothing needs to be repartitioned behind it.
    ///
    ///     payments.processValues(bringing: [.keyValue("counts", key: .string, value: .int64)]) { context in
    ///         CountedPayments(context)     // a class that conforms to FixedKeyProcessor
    ///     }
    ///
    /// Kafka: `processValues`.
    public func processValues<NewValue>(
        bringing stores: [StoreBuilder] = [], connecting names: [String] = [], named: String? = nil,
        _ make: @escaping @Sendable (FixedKeyProcessorContext<Key, NewValue>) throws -> any FixedKeyProcessor<Key, Value>
    ) -> KStream<Key, NewValue> {
        processed("KSTREAM-PROCESSVALUES-", bringing: stores, connecting: names, named: named, changesKey: false) { assembly in
            let context = FixedKeyProcessorContext<Key, NewValue>(try ProcessorContext(assembly))
            return try context.input(of: make(context))
        }
    }

    private func processed<NewKey, NewValue>(
        _ prefix: String, bringing stores: [StoreBuilder], connecting names: [String], named: String?, changesKey: Bool,
        _ assemble: @escaping @Sendable (NodeAssembly) throws -> NodeInput
    ) -> KStream<NewKey, NewValue> {
        let name = builder.name(named, prefix: prefix)
        let node = builder.addProcessor(
            name, parents: [node], NodePayload(assemble), changesValue: NewValue.self != Value.self, stores: stores.map(\.declaration),
            connecting: names)
        node.isOpaque = changesKey
        return KStream<NewKey, NewValue>(
            builder: builder, node: node, name: name, key: changesKey ? nil : keySerde as? Serde<NewKey>, value: nil, sources: sources,
            needsRepartition: changesKey || needsRepartition)
    }
}
