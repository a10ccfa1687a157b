import MillraceCore
import MillracePlan

extension StreamsBuilder {
    /// A store of the latest value of each key of a topic that somebody else writes: another app, or a table of it.
    ///
    ///     builder.addReadOnlyStore("limits", from: "limits", key: .string, value: .json(Limit.self))
    ///     payments.processValues(connecting: ["limits"]) { context in CheckLimit(context) }
    ///
    /// Processors connect to it by its name, and only read: what they would write is not in the topic, so it would be gone after a restart. The topic is the store's changelog, so
    /// it should be compacted, and it is partitioned like the streams whose processors look things up: each task has its own partition's rows. A record without a value deletes the
    /// row of its key; one without a key is dropped and counted as `nullKey`.
    ///
    /// Where each instance must have all rows, use `addGlobalStore`; where the topic's changes are to be computed with, use `table`.
    ///
    /// - Parameters:
    ///   - store: The name and kind of the store; without a name `build` throws.
    ///   - named: Names the nodes; generated when left out.
    ///
    /// Kafka: `Topology.addReadOnlyStateStore` (KIP-813), which also takes a processor that fills the store. A restore does not go through such a processor, so there is none here.
    public func addReadOnlyStore<Key, Value>(
        _ store: Materialized, from topic: String, key: Serde<Key>, value: Serde<Value>, named: String? = nil
    ) {
        if store.name == nil {
            fail("The read-only store of topic \(topic) has no name, so no processor can connect to it. Give it one.", kind: .configuration)
        }
        checkTimeToLive(store, store.name ?? topic, isAllowed: false)
        var unlogged = store
        unlogged.isLogged = false
        let table: KTable<Key, Value> = self.table(topic, key: key, value: value, in: unlogged, named: named)
        table.node.restoresFromSourceTopic = true
    }
}
