extension PhysicalTopology {
    /// The topology as text, as Kafka's `TopologyDescription` prints it, every list sorted by name.
    public func describe() -> String {
        var text = "Topologies:\n "
        let parts =
            subtopologies.map { (id: $0.id, text: $0.description) } + globalStores.map { (id: $0.id, text: $0.description) }
        for part in parts.sorted(by: { $0.id < $1.id }) { text += "  " + part.text }
        return text
    }
}

extension Subtopology {
    fileprivate var description: String {
        let sizes = descendantCounts()
        let sorted = nodes.sorted {
            let (left, right) = (sizes[$0.name] ?? 1, sizes[$1.name] ?? 1)
            return left != right ? left > right : $0.name.utf16.lexicographicallyPrecedes($1.name.utf16)
        }
        return "Sub-topology: \(id)\n" + sorted.map { "    \($0.description)\n" }.joined() + "\n"
    }

    /// How many nodes follow a node, itself included; a node that is reached in two ways counts twice.
    private func descendantCounts() -> [String: Int] {
        var counts: [String: Int] = [:]
        for node in nodes.reversed() {
            counts[node.name] = node.children.reduce(1) { $0 &+ (counts[$1] ?? 0) }
        }
        return counts
    }
}

extension GlobalStore {
    fileprivate var description: String {
        "Sub-topology: \(id) for global store (will not generate tasks)\n    \(source.description)\n    \(processor.description)\n"
    }
}

extension PhysicalNode {
    fileprivate var description: String {
        switch role {
        case .source(let topics, _): "Source: \(name) (topics: [\(listed(topics))])\n      --> \(named(children))"
        case .processor(let stores):
            "Processor: \(name) (stores: [\(listed(stores))])\n      --> \(named(children))\n      <-- \(named(parents))"
        case .sink(.topic(let topic)): "Sink: \(name) (topic: \(topic))\n      <-- \(named(parents))"
        case .sink(.dynamic): "Sink: \(name) (extractor class: dynamic)\n      <-- \(named(parents))"
        }
    }

    private func listed(_ names: [String]) -> String {
        names.sorted { $0.utf16.lexicographicallyPrecedes($1.utf16) }.joined(separator: ", ")
    }

    private func named(_ names: [String]) -> String {
        names.isEmpty ? "none" : listed(names)
    }
}
