extension LogicalGraph {
    /// One repartition topic right after a change of key takes the place of all that follow it.
    ///
    ///     map -> filter -> repartition a -> count          map -> repartition a -> filter -> count
    ///         -> repartition b -> reduce          becomes                       -> reduce
    ///
    /// The topic keeps the name of the first one. A repartition stays where it is if a node between it and the change of key changes
    /// values, since what is in the topic would have another type. Where two streams with new keys are merged first, the topic comes after
    /// the merge.
    ///
    /// Where Kafka's optimiser would let records around the topic, or fail, the repartition concerned stays
    /// (docs/decisions/plan-merging-repartitions.md).
    ///
    /// What hangs on a moved node besides the repartition, such as a sink after the filter above, moves below the topic too, as in Kafka.
    func mergeRepartitionTopics() {
        for (keyChanger, repartitions) in repartitionsByKeyChanger() {
            let moves = moves(of: repartitions, below: keyChanger)
            guard let first = moves.first?.repartition.repartition else { continue }
            let single = singleRepartition(like: first)
            // Equal priorities do no harm: the key changer is the parent, and so is written first in any case.
            single.priority = keyChanger.priority
            for move in moves {
                if let child = move.child {
                    single.addChild(child)
                    keyChanger.removeChild(child)
                }
                takeOut(move.repartition)
                replaceInCopartitionGroups(move.repartition.name, by: single.name)
            }
            keyChanger.addChild(single)
        }
    }

    /// Which repartitions to replace, and for each the child of the key changer that must move below the single topic for it. There is
    /// no such child if an earlier move took it along.
    ///
    /// Leaves repartitions out that records could still reach around the single topic, for then they would arrive unpartitioned.
    private func moves(
        of repartitions: [LogicalNode], below keyChanger: LogicalNode
    ) -> [(repartition: LogicalNode, child: LogicalNode?)] {
        // A repartition without parents was taken out for an earlier key changer.
        var candidates = repartitions.filter { !$0.parents.isEmpty }
        while true {
            var moved: [LogicalNode] = []
            let moves = candidates.map { repartition in
                let child = repartition.nearest { $0.hasParent(keyChanger) && !$0.isOne(of: moved) }
                if let child { moved.append(child) }
                return (repartition: repartition, child: child)
            }
            let bypassed = candidates.filter { $0.isReached(from: root, withoutEdgesFrom: keyChanger, to: moved) }
            if bypassed.isEmpty { return moves }
            candidates.removeAll { $0.isOne(of: bypassed) }
        }
    }

    /// Links the parents of a node to its children, and leaves the node out.
    private func takeOut(_ node: LogicalNode) {
        let parents = node.parents
        for child in node.children {
            for parent in parents { parent.addChild(child) }
            node.removeChild(child)
        }
        for parent in parents { parent.removeChild(node) }
    }

    /// The mergeable repartitions below each node after which one topic could serve them all, in the order in which that node was added.
    private func repartitionsByKeyChanger() -> [(keyChanger: LogicalNode, repartitions: [LogicalNode])] {
        var entries = nodes.filter(\.isKeyChanging).map { (keyChanger: $0, repartitions: [LogicalNode]()) }
        for node in nodes where !node.isKeyChanging && node.repartition?.isMergeable == true {
            guard let changer = node.nearest(where: { $0.isKeyChanging || $0.isValueChanging }), changer.isKeyChanging,
                changer === node.nearest(where: \.isKeyChanging)
            else { continue }
            if let index = entries.firstIndex(where: { $0.keyChanger === changer }) { entries[index].repartitions.append(node) }
        }
        moveBelowMerges(&entries)
        return entries
    }

    /// Where every repartition of a key changer comes after a merge, the merge takes the key changer's place, for all its inputs at once.
    private func moveBelowMerges(_ entries: inout [(keyChanger: LogicalNode, repartitions: [LogicalNode])]) {
        var mergeEntries: [(keyChanger: LogicalNode, repartitions: [LogicalNode])] = []
        var replaced: [LogicalNode] = []
        for merge in nodes where merge.isMerge && !merge.isKeyChanging && merge.repartition == nil {
            var repartitions: [LogicalNode] = []
            for entry in entries {
                let allFollow = entry.repartitions.allSatisfy { $0.nearest(where: { $0.hasParent(merge) }) != nil }
                guard allFollow, merge.nearest(where: { $0.hasParent(entry.keyChanger) }) != nil else { continue }
                for node in entry.repartitions where !repartitions.contains(where: { $0 === node }) { repartitions.append(node) }
                replaced.append(entry.keyChanger)
            }
            mergeEntries.append((merge, repartitions))
        }
        entries.removeAll { entry in replaced.contains { $0 === entry.keyChanger } }
        entries += mergeEntries
    }

    private func singleRepartition(like first: Repartition) -> LogicalNode {
        var single = first
        single.filter?.name = first.topic + "-filter"
        single.sink.name = first.topic + "-sink"
        single.source.name = first.topic + "-source"
        return LogicalNode(single.source.name, .repartition(single))
    }
}

extension LogicalNode {
    fileprivate func hasParent(_ node: LogicalNode) -> Bool {
        parents.contains { $0 === node }
    }

    fileprivate func isOne(of nodes: [LogicalNode]) -> Bool {
        nodes.contains { $0 === self }
    }

    /// Whether a way leads here that takes none of some edges.
    fileprivate func isReached(
        from start: LogicalNode, withoutEdgesFrom parent: LogicalNode, to children: [LogicalNode]
    ) -> Bool {
        var seen: Set<ObjectIdentifier> = []
        var pending = [self]
        while let node = pending.popLast() {
            if node === start { return true }
            guard seen.insert(ObjectIdentifier(node)).inserted else { continue }
            let isCut = node.isOne(of: children)
            pending += node.parents.filter { !(isCut && $0 === parent) }
        }
        return false
    }
}
