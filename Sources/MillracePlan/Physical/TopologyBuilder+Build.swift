import MillraceCore

extension TopologyBuilder {
    /// Groups the nodes into subtopologies and lists what each needs.
    ///
    /// - Throws: `MillraceError` of kind `.topology` when the topology is empty.
    public func build() throws(MillraceError) -> PhysicalTopology {
        guard !order.isEmpty else {
            throw MillraceError(.topology, "The topology is empty. Add a source and what is to happen to its records.")
        }
        var topology = PhysicalTopology(subtopologies: [], globalStores: [], internalTopics: internalTopics)
        let globalOfProcessor = Dictionary(uniqueKeysWithValues: globalStores.values.map { ($0.processor, $0) })
        for (id, names) in nodeGroups().enumerated() {
            if let global = names.lazy.compactMap({ globalOfProcessor[$0] }).first,
                let source = nodes[global.source], let processor = nodes[global.processor]
            {
                topology.globalStores.append(
                    GlobalStore(id: id, topic: global.topic, source: source, processor: processor, store: global.store))
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
                    if let store = stores[name] { result.stores.append(PlannedStore(declaration: store, changelog: changelog(of: store))) }
                }
            }
        }
        result.internalTopics = result.sourceTopics.compactMap { internalTopics[$0] }
        result.copartitionGroups = copartitionGroups(within: Set(names))
        return result
    }

    private func changelog(of store: StoreDeclaration) -> PlannedStore.Changelog {
        if let topic = reusedTopics[store.name] { return .sourceTopic(topic) }
        return store.isLogged ? .own(topic: store.name + "-changelog") : .none
    }

    /// The topics of each copartition group of these nodes; groups that share a topic are one.
    private func copartitionGroups(within names: Set<String>) -> [[String]] {
        var result: [[String]] = []
        for group in copartitionGroups {
            var merged: [String] = []
            for source in group where names.contains(source) {
                if case .source(let topics, _) = nodes[source]?.role { merged += topics }
            }
            guard merged.count > 1 else { continue }
            for other in result where !Set(other).isDisjoint(with: merged) { merged += other }
            result.removeAll { !Set($0).isDisjoint(with: merged) }
            var seen: Set<String> = []
            result.append(merged.filter { seen.insert($0).inserted })
        }
        return result
    }
}
