import MillraceCore

extension TopologyBuilder {
    /// Groups the nodes into subtopologies and lists what each needs.
    ///
    /// - Throws: `MillraceError` of kind `.topology` when the topology is empty, or when topics that must be partitioned alike have fixed
    ///   numbers of partitions that differ.
    public func build() throws(MillraceError) -> PhysicalTopology {
        guard !order.isEmpty else {
            throw MillraceError(.topology, "The topology is empty. Add a source and what is to happen to its records.")
        }
        try checkCopartitions()
        var topology = PhysicalTopology(
            subtopologies: [], globalStores: [], internalTopics: internalTopics,
            unusedStores: stores.keys.filter { users[$0] == nil }.sorted())
        let globalOfProcessor = Dictionary(uniqueKeysWithValues: globalStores.values.map { ($0.processor, $0) })
        for (id, names) in nodeGroups().enumerated() {
            if let global = names.lazy.compactMap({ globalOfProcessor[$0] }).first,
                let source = nodes[global.source], let processor = nodes[global.processor]
            {
                var store = global.store
                store.isLogged = false
                topology.globalStores.append(
                    GlobalStore(id: id, topic: global.topic, source: source, processor: processor, store: store))
            } else {
                topology.subtopologies.append(subtopology(id, names))
            }
        }
        return topology
    }

    /// The names of each group's nodes; groups by their first node, nodes as they were added.
    private func nodeGroups() -> [[String]] {
        var groups = groups
        var indices: [String: Int] = [:]
        var result: [[String]] = []
        for name in order {
            let root = groups.root(of: name)
            if let index = indices[root] {
                result[index].append(name)
            } else {
                indices[root] = result.count
                result.append([name])
            }
        }
        return result
    }

    private func subtopology(_ id: Int, _ names: [String]) -> Subtopology {
        var result = Subtopology(
            id: id, nodes: names.compactMap { nodes[$0] }, sourceTopics: [], sinkTopics: [], internalTopics: [], stores: [],
            copartitionGroups: [])
        var seen: Set<String> = []
        for node in result.nodes {
            switch node.role {
            case .source(let topics, _): result.sourceTopics += topics
            case .sink(.topic(let topic)):
                if !result.sinkTopics.contains(topic) { result.sinkTopics.append(topic) }
            case .sink(.dynamic): break
            case .processor(let used):
                for name in used where seen.insert(name).inserted {
                    guard let store = stores[name] else { continue }
                    result.stores.append(PlannedStore(declaration: store, changelog: changelog(of: store)))
                }
            }
        }
        result.internalTopics = result.sourceTopics.compactMap { internalTopics[$0] }
        result.declaredCopartitions = declaredCopartitions().filter { Set($0).isSubset(of: result.sourceTopics) }
        result.copartitionGroups = copartitionedTopics().filter { !Set($0).isDisjoint(with: result.sourceTopics) }
        return result
    }

    private func changelog(of store: StoreDeclaration) -> PlannedStore.Changelog {
        if let topic = reusedTopics[store.name] { return .sourceTopic(topic) }
        return store.isLogged ? .own(topic: store.name + "-changelog") : .none
    }
}
