extension PhysicalTopology {
    /// The topology as a graph in the language of Graphviz: `dot -Tsvg` draws it.
    ///
    /// Each subtopology and global store is a box around its nodes; topics are between the boxes, stores are cylinders.
    public func graphviz() -> String {
        var lines: [String] = []
        var topics: [String] = []
        func topic(_ name: String) -> String {
            if !topics.contains(name) { topics.append(name) }
            return quoted("topic " + name)
        }

        func draw(_ title: String, id: Int, nodes: [PhysicalNode], stores: [String]) {
            lines.append("  subgraph cluster_\(id) {")
            lines.append("    label=\(quoted(title))")
            for node in nodes { lines.append("    \(quoted(node.name)) [shape=box]") }
            for store in stores { lines.append("    \(quoted("store " + store)) [label=\(quoted(store)), shape=cylinder]") }
            lines.append("  }")
            for node in nodes {
                switch node.role {
                case .source(let topics, _): lines += topics.map { "  \(topic($0)) -> \(quoted(node.name))" }
                case .processor(let stores):
                    lines += stores.map { "  \(quoted(node.name)) -> \(quoted("store " + $0)) [style=dashed, dir=none]" }
                case .sink(.topic(let name)): lines.append("  \(quoted(node.name)) -> \(topic(name))")
                case .sink(.dynamic): break
                }
                lines += node.children.map { "  \(quoted(node.name)) -> \(quoted($0))" }
            }
        }

        for global in globalStores {
            draw("global store \(global.id)", id: global.id, nodes: [global.source, global.processor], stores: [global.store.name])
        }
        for subtopology in subtopologies {
            draw(
                "subtopology \(subtopology.id)", id: subtopology.id, nodes: subtopology.nodes,
                stores: subtopology.stores.map(\.declaration.name))
        }
        for name in topics {
            let style = isInternal(name) ? ", style=dashed" : ""
            lines.append("  \(quoted("topic " + name)) [label=\(quoted(name)), shape=cds\(style)]")
        }
        return "digraph topology {\n" + lines.map { $0 + "\n" }.joined() + "}\n"
    }

    /// A name between quotes. A quote or backslash in it would end it early.
    private func quoted(_ name: String) -> String {
        var text = "\""
        for character in name {
            if character == "\"" || character == "\\" { text.append("\\") }
            text.append(character)
        }
        return text + "\""
    }
}
