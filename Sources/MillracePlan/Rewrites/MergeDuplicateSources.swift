import MillraceCore

extension LogicalGraph {
    /// Streams that read the same topics get one source.
    ///
    /// A topic has one reader in a topology, so the second call of `stream` for a topic adds its children to the first call's node. This is
    /// always done; it is a matter of meaning rather than of speed.
    ///
    /// - Throws: `MillraceError` of kind `.topology` when two streams share some topics but not all, or want to begin at different offsets.
    func mergeDuplicateSources() throws(MillraceError) {
        var firstReaders: [String: (node: LogicalNode, source: SourceNode)] = [:]
        for node in root.children {
            guard case .source(let source) = node.kind else { continue }
            for topic in source.topics {
                guard let first = firstReaders[topic] else {
                    firstReaders[topic] = (node, source)
                    continue
                }
                guard first.node !== node else { continue }
                guard Set(first.source.topics) == Set(source.topics) else {
                    throw MillraceError(
                        .topology,
                        "Streams \(first.node.name) and \(node.name) both read topic \(topic), but not the same list of topics. Read "
                            + "each topic with a stream of its own and merge the streams.",
                        node: node.name)
                }
                guard first.source.offsetReset == source.offsetReset else {
                    throw MillraceError(
                        .topology,
                        "Streams \(first.node.name) and \(node.name) both read topic \(topic), but want to begin at different "
                            + "offsets. Give both the same offset reset.",
                        node: node.name)
                }
                for child in node.children {
                    node.removeChild(child)
                    first.node.addChild(child)
                }
                root.removeChild(node)
                replaceInCopartitionGroups(node.name, by: first.node.name)
            }
        }
    }

    /// Keeps the demands for equal partitioning in force when one source takes the place of another.
    func replaceInCopartitionGroups(_ old: String, by new: String) {
        for index in copartitionGroups.indices {
            copartitionGroups[index] = copartitionGroups[index].map { $0 == old ? new : $0 }
        }
    }
}
