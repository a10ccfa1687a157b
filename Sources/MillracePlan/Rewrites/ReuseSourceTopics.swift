extension LogicalGraph {
    /// Tables that are read from a topic restore from it instead of from a changelog of their own.
    ///
    /// Both hold the same rows, as long as the source topic is compacted and every record can still be read with the same serdes.
    func reuseSourceTopics() {
        for node in nodes {
            if case .tableSource = node.kind { node.restoresFromSourceTopic = true }
        }
    }
}
