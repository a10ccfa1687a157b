extension LogicalGraph {
    /// A repartition drops records without a key, unless a join that has a result for them comes after it (KIP-962).
    ///
    /// The filter node stays in either case, so the topology's shape and the numbering of names do not depend on it.
    func passNullKeysToJoins() {
        for node in inBuildOrder().reversed() {
            node.passesNullKeys = node.children.contains { $0.allowsNullKey || $0.passesNullKeys }
        }
    }
}
