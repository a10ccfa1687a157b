extension LogicalGraph {
    /// One repartition topic right after a change of key takes the place of all that follow it.
    ///
    ///     map -> filter -> repartition a -> count          map -> repartition a -> filter -> count
    ///         -> repartition b -> reduce          becomes                       -> reduce
    ///
    /// The topic keeps the name of the first one. A repartition stays where it is if a node between it and the change of key changes
    /// values, since what is in the topic would have another type, or is a processor, which may change keys. Where two streams with new
    /// keys are merged first, the topic comes after the merge.
    ///
    /// Records of another stream may come in between, in a merge: if their keys are as in their topic, that topic and the single one must be
    /// partitioned alike; if they are new too, the repartition stays. Kafka looks at neither (docs/decisions/0006-merging-repartition-topics.md).
    ///
    /// What hangs on a moved node besides the repartition, such as a sink after the filter above, moves below the topic too, as in Kafka.
    ///
    /// - Parameter entries: What `repartitionsByKeyChanger()` found before any other rewrite.
    func mergeRepartitionTopics(_ entries: [KeyChangerEntry]) {
        for (keyChanger, repartitions) in movedBelowMerges(entries) {
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
                if !move.detour.sources.isEmpty { copartition([single.name] + move.detour.sources) }
            }
            keyChanger.addChild(single)
        }
    }

    private struct Move {
        var repartition: LogicalNode
        /// The child of the key changer that goes below the single topic for this repartition, unless an earlier move takes it along.
        var child: LogicalNode?
        var detour = Detour()
    }

    /// Which repartitions to replace: those that no record with a new key reaches around the single topic, once all moves are made.
    private func moves(of repartitions: [LogicalNode], below keyChanger: LogicalNode) -> [Move] {
        // A repartition without parents was taken out for an earlier key changer.
        var candidates = repartitions.filter { !$0.parents.isEmpty }
        while true {
            var moved: [LogicalNode] = []
            var moves = candidates.map { repartition in
                let child = repartition.nearest { $0.hasParent(keyChanger) && !$0.isOne(of: moved) }
                if let child { moved.append(child) }
                return Move(repartition: repartition, child: child)
            }
            for index in moves.indices {
                moves[index].detour = detour(to: moves[index].repartition, withoutEdgesFrom: keyChanger, to: moved)
            }
            let bypassed = moves.filter(\.detour.changesKeys).map(\.repartition)
            if bypassed.isEmpty { return moves }
            candidates.removeAll { $0.isOne(of: bypassed) }
        }
    }

    /// How records get to a repartition without passing the topic that is to replace it.
    private struct Detour {
        /// The sources they come from, as far as their keys stay the same.
        var sources: [String] = []
        /// Whether any get a new key on the way.
        var changesKeys = false
    }

    private func detour(
        to repartition: LogicalNode, withoutEdgesFrom keyChanger: LogicalNode, to moved: [LogicalNode]
    ) -> Detour {
        var detour = Detour()
        var seen: Set<ObjectIdentifier> = []
        var pending = [repartition]
        while let node = pending.popLast() {
            guard seen.insert(ObjectIdentifier(node)).inserted else { continue }
            if node !== repartition, !node.sourceNames.isEmpty {
                detour.sources += node.sourceNames
                continue
            }
            let isMoved = node.isOne(of: moved)
            let parents = node.parents.filter { !(isMoved && $0 === keyChanger) }
            if parents.contains(where: { $0.isKeyChanging || $0.isOpaque }) { detour.changesKeys = true }
            pending += parents
        }
        return detour
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

    /// A node after which one topic could serve all of some repartitions.
    typealias KeyChangerEntry = (keyChanger: LogicalNode, repartitions: [LogicalNode])

    /// The mergeable repartitions below each node that changes keys, in the order in which that node was added.
    ///
    /// What is found depends on the order of a merge's inputs, which merging sources changes, so this comes before it, as in Kafka.
    func repartitionsByKeyChanger() -> [KeyChangerEntry] {
        var entries = nodes.filter(\.isKeyChanging).map { (keyChanger: $0, repartitions: [LogicalNode]()) }
        for node in nodes where !node.isKeyChanging && node.repartition?.isMergeable == true {
            guard let changer = node.nearest(where: { $0.isKeyChanging || $0.isValueChanging || $0.isOpaque }), changer.isKeyChanging,
                changer === node.nearest(where: \.isKeyChanging)
            else { continue }
            if let index = entries.firstIndex(where: { $0.keyChanger === changer }) { entries[index].repartitions.append(node) }
        }
        return entries
    }

    /// Where every repartition of a key changer comes after a merge, the merge takes the key changer's place, for all its inputs at once.
    private func movedBelowMerges(_ entries: [KeyChangerEntry]) -> [KeyChangerEntry] {
        var mergeEntries: [KeyChangerEntry] = []
        var replaced: [LogicalNode] = []
        for merge in nodes where merge.isMerge && !merge.isKeyChanging && merge.repartition == nil {
            var repartitions: [LogicalNode] = []
            for entry in entries {
                let allFollow = entry.repartitions.allSatisfy { $0.nearest(where: { $0.hasParent(merge) }) != nil }
                guard allFollow, merge.nearest(where: { $0.hasParent(entry.keyChanger) }) != nil else { continue }
                repartitions += entry.repartitions.filter { !$0.isOne(of: repartitions) }
                replaced.append(entry.keyChanger)
            }
            mergeEntries.append((merge, repartitions))
        }
        return entries.filter { !$0.keyChanger.isOne(of: replaced) } + mergeEntries
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

    /// The sources with which the node's output begins: that of a stream, a table or a repartition.
    fileprivate var sourceNames: [String] {
        switch kind {
        case .source, .repartition: [name]
        case .tableSource(let table): [table.source.name]
        case .steps(let steps):
            steps.compactMap { step in
                if case .source(let name, _, _) = step { name } else { nil }
            }
        case .root, .globalTableSource, .streamStreamJoin: []
        }
    }
}
