import MillraceCore
import MillracePlan

extension KTable {
    /// The table behind an operator that may or may not get a store.
    ///
    /// - Parameters:
    ///   - numbersStore: Whether a store without a name, which is never made, takes a number all the same.
    ///   - make: Gets the name of the store, `nil` for none, and gives the view and what assembles the node.
    @inlinable
    func derived<Result>(
        _ prefix: String, in store: Materialized?, value: Serde<Result>?, named: String?, connecting: [String] = [],
        numbersStore: Bool = true,
        _ make: (String?) -> (view: TableView<Key, Result>, assemble: @Sendable (NodeAssembly) throws -> NodeInput)
    ) -> KTable<Key, Result> {
        if let store, store.name == nil, numbersStore { _ = builder.graph.newStoreName(prefix) }
        let name = builder.name(named, prefix: prefix)
        let (view, assemble) = make(store?.name)
        let node = builder.addProcessor(name, parents: [node], NodePayload(assemble), connecting: connecting)
        if let store {
            node.outputIsVersioned = store.isVersioned
            if let storeName = store.name {
                node.store = builder.tableStore(
                    store, name: storeName, key: builder.serde(keySerde, for: "the keys of store \(storeName)"),
                    value: builder.serde(value, for: "the values of store \(storeName)"))
            }
        }
        return KTable<Key, Result>(
            builder: builder, node: node, name: name, key: keySerde, value: value, sources: sources, view: view, storeName: store?.name)
    }
}
