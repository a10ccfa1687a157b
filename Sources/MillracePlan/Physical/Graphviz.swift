extension PhysicalTopology {
    /// The topology as a graph in the language of Graphviz: `dot -Tsvg` draws it.
    public func graphviz() -> String {
        "digraph topology {\n}\n"
    }
}
