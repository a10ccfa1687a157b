extension LogicalGraph {
    /// A stream joined with itself keeps its records in one store.
    ///
    /// Both inputs are the same stream when the join has one parent, which may be so only after sources or repartitions were merged. The
    /// node that fills the right store goes, and the join looks each record up in the left one.
    func shareStoreOfSelfJoins() {
        for node in nodes {
            guard case .streamStreamJoin(let join) = node.kind, node.parents.count == 1, let parent = node.parents.first,
                let left = parent.children.first(where: { $0.name == join.leftWindowed }),
                let right = parent.children.first(where: { $0.name == join.rightWindowed }),
                left.priority < right.priority
            else { continue }
            parent.removeChild(right)
            node.isSelfJoin = true
        }
    }
}
