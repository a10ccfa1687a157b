import MillraceCore

extension TopologyBuilder {
    func checkIsNew(_ name: String) throws(MillraceError) {
        guard nodes[name] == nil else {
            throw MillraceError(.topology, "There is a node named \(name) already. Give one of them another name.", node: name)
        }
    }

    func checkParents(_ parents: [String], of name: String) throws(MillraceError) {
        guard !parents.isEmpty else {
            throw MillraceError(.topology, "Node \(name) has no parent. Name the nodes it gets its records from.", node: name)
        }
        for parent in parents {
            guard parent != name else {
                throw MillraceError(.topology, "Node \(name) is its own parent. Records can not flow in a circle.", node: name)
            }
            guard let node = nodes[parent] else {
                throw MillraceError(
                    .topology, "Node \(name) has the parent \(parent), which is not in the topology. Add the parent first.", node: name)
            }
            if case .sink = node.role {
                throw MillraceError(
                    .topology,
                    "Node \(name) has the parent \(parent), which is a sink. Nothing follows a sink: read its topic with a source instead.",
                    node: name)
            }
            if globalStores.values.contains(where: { $0.source == parent || $0.processor == parent }) {
                throw MillraceError(
                    .topology,
                    "Node \(name) has the parent \(parent), which fills a global store and sends nothing on. Join with the global "
                        + "store instead.",
                    node: name)
            }
        }
    }

    func checkIsUnread(_ topic: String, by source: String) throws(MillraceError) {
        if let other = readers[topic] {
            throw MillraceError(
                .topology,
                "Topic \(topic) is read by source \(other) already, so source \(source) can not read it too. Let both parts of the "
                    + "program follow one source.",
                node: source)
        }
    }

    mutating func insert(_ node: PhysicalNode) {
        nodes[node.name] = node
        order.append(node.name)
        groups.add(node.name)
        for parent in node.parents {
            nodes[parent]?.children.append(node.name)
            groups.unite(node.name, parent)
        }
    }

    mutating func connect(_ processor: String, store: String) throws(MillraceError) {
        guard globalStores[store] == nil else {
            throw MillraceError(
                .topology,
                "Processor \(processor) is connected to the global store \(store), which every processor may read anyway. Leave the "
                    + "connection out.",
                node: processor)
        }
        guard stores[store] != nil else {
            throw MillraceError(
                .topology, "Processor \(processor) uses store \(store), which nobody declared. Add the store first.", node: processor)
        }
        guard let node = nodes[processor] else {
            throw MillraceError(
                .topology, "Store \(store) is connected to processor \(processor), which is not in the topology. Add the processor first.",
                node: processor)
        }
        guard case .processor(var connected) = node.role else {
            throw MillraceError(
                .topology, "Store \(store) is connected to \(processor), which is a source or a sink. Only processors use stores.",
                node: processor)
        }
        if let user = users[store]?.first { groups.unite(user, processor) }
        if !connected.contains(store) {
            connected.append(store)
            nodes[processor]?.role = .processor(stores: connected)
            users[store, default: []].append(processor)
        }
    }
}
