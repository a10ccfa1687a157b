import MillraceCore
import MillracePlan

/// A stream of records of one key and one value type, to which operators are applied.
///
/// A stream is a description: nothing runs before the topology is built and an app, or a test driver, runs it. Operators never change a stream, they make another one, so
/// a stream can be used several times.
///
/// The types say whether Kafka's null can occur: in a `KStream<String, Int?>` a value may be missing, in a `KStream<String, Int>` it may not (records without one are
/// dropped and counted where they are read).
///
/// Kafka: `KStream<K, V>`.
public struct KStream<Key, Value> {
    @usableFromInline let builder: StreamsBuilder
    @usableFromInline let node: LogicalNode
    /// The node that records of this stream come from, by name.
    @usableFromInline let name: String
    /// The serdes the stream was given or has kept; the type's own where these are `nil`.
    @usableFromInline let keySerde: Serde<Key>?
    @usableFromInline let valueSerde: Serde<Value>?
    /// The sources that feed this stream, for checking that partition counts match.
    @usableFromInline let sources: Set<String>
    /// The key may have changed since the records were partitioned.
    @usableFromInline let needsRepartition: Bool

    @usableFromInline
    init(
        builder: StreamsBuilder, node: LogicalNode, name: String, key: Serde<Key>?, value: Serde<Value>?, sources: Set<String>,
        needsRepartition: Bool
    ) {
        self.builder = builder
        self.node = node
        self.name = name
        keySerde = key
        valueSerde = value
        self.sources = sources
        self.needsRepartition = needsRepartition
    }

    /// The stream behind a stateless operator that keeps both types.
    @usableFromInline
    func following(_ prefix: String, named: String?, _ assemble: @escaping @Sendable (NodeAssembly) throws -> NodeInput) -> KStream<
        Key, Value
    > {
        following(prefix, named: named, key: keySerde, value: valueSerde, assemble)
    }

    /// The stream behind a stateless operator.
    @usableFromInline
    func following<NewKey, NewValue>(
        _ prefix: String, named: String?, key: Serde<NewKey>?, value: Serde<NewValue>?, changesKey: Bool = false,
        changesValue: Bool = false, _ assemble: @escaping @Sendable (NodeAssembly) throws -> NodeInput
    ) -> KStream<NewKey, NewValue> {
        let name = builder.name(named, prefix: prefix)
        let node = builder.addProcessor(
            name, parents: [node], NodePayload(assemble), changesKey: changesKey, changesValue: changesValue)
        return KStream<NewKey, NewValue>(
            builder: builder, node: node, name: name, key: key, value: value, sources: sources,
            needsRepartition: needsRepartition || changesKey)
    }
}
