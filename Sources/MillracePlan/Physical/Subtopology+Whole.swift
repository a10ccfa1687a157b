extension Subtopology {
    /// All subtopologies as one, for running a whole program in one task.
    package static func all(of topology: PhysicalTopology) -> Subtopology {
        var whole = Subtopology(
            id: 0, nodes: [], sourceTopics: [], sinkTopics: [], internalTopics: [], stores: [], copartitionGroups: [])
        for part in topology.subtopologies {
            whole.nodes += part.nodes
            whole.sourceTopics += part.sourceTopics
            whole.sinkTopics += part.sinkTopics
            whole.internalTopics += part.internalTopics
            whole.stores += part.stores
        }
        return whole
    }
}
