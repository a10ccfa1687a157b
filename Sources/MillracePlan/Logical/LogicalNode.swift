/// One call of the DSL, as the rewrites see it.
///
/// What a rewrite must look into is structured by `Kind`; everything else is a list of steps that is written as it stands.
/// Kafka's counterpart is `GraphNode`.
public final class LogicalNode {
    /// What the node writes.
    public enum Kind: Sendable {
        /// The graph's root, which writes nothing.
        case root
        case source(SourceNode)
        case tableSource(TableSource)
        case globalTableSource(GlobalTableSource)
        case repartition(Repartition)
        case streamStreamJoin(StreamStreamJoin)
        /// Written in order.
        case steps([PlanStep])
    }

    /// The name by which children call this node: the processor whose output they get. Of a repartition it is the source's, of a table
    /// source the processor's, of a join the merging node's.
    public let name: String
    public var kind: Kind
    /// Whether the output's keys may differ from the input's.
    public var isKeyChanging: Bool
    /// Whether the output's values may differ from the input's. A repartition topic can not be moved above such a node.
    public var isValueChanging: Bool
    /// Whether this is a processor of the program's own, which may do anything to keys: no repartition topic is moved above it, and records behind it may have new keys.
    public var isOpaque = false
    /// Whether this is `KStream.merge`.
    public var isMerge: Bool
    /// Whether this is a join that has a result for records without a key, so that no repartition before it may drop them (KIP-962): left
    /// and outer joins of two streams, left joins of a stream with a table or global table.
    public var allowsNullKey: Bool
    /// Whether the output is a versioned table: known of materialised tables, `nil` where it depends on the parents.
    public var outputIsVersioned: Bool?
    /// Whether a versioned input is an error, as for `suppress`.
    public var refusesVersionedInput: Bool
    /// How long after its end a window of this node's output can still change, in milliseconds: known of windowed aggregations, `nil` where it depends on the parents.
    public var windowGrace: Int64?
    /// Whether the store of a table source is restored from the source topic, in place of a changelog of its own: as the program demands, or as a rewrite finds.
    public var restoresFromSourceTopic = false
    /// The store of a table's node, when the table is materialised. It is connected to the table's processor: the one of a table source,
    /// the last processor of a list of steps. May be set until the graph is built, since a later call may need the rows of an earlier
    /// table.
    public var store: StoreDeclaration?

    /// The nodes whose output this one gets, in the order in which they were given.
    public internal(set) var parents: [LogicalNode] = []
    /// The nodes that get the output, in the order in which they were added.
    public internal(set) var children: [LogicalNode] = []

    /// Nodes with a low priority are written first, as soon as all their parents are.
    var priority = 0

    // What the rewrites find out about the node.

    /// Whether a stream-stream join is one of a stream with itself, and keeps one store.
    var isSelfJoin = false
    /// Whether a repartition lets records without a key pass.
    var passesNullKeys = false
    /// The names of those parents whose output is a versioned table.
    var versionedInputs: Set<String> = []

    public init(
        _ name: String, _ kind: Kind, isKeyChanging: Bool = false, isValueChanging: Bool = false, isMerge: Bool = false,
        allowsNullKey: Bool = false, outputIsVersioned: Bool? = nil, refusesVersionedInput: Bool = false,
        store: StoreDeclaration? = nil
    ) {
        self.name = name
        self.kind = kind
        self.isKeyChanging = isKeyChanging
        self.isValueChanging = isValueChanging
        self.isMerge = isMerge
        self.allowsNullKey = allowsNullKey
        self.outputIsVersioned = outputIsVersioned
        self.refusesVersionedInput = refusesVersionedInput
        self.store = store
    }

    /// A node like this one without parents and children, and without findings.
    func copy() -> LogicalNode {
        let copy = LogicalNode(
            name, kind, isKeyChanging: isKeyChanging, isValueChanging: isValueChanging, isMerge: isMerge,
            allowsNullKey: allowsNullKey, outputIsVersioned: outputIsVersioned, refusesVersionedInput: refusesVersionedInput,
            store: store)
        copy.isOpaque = isOpaque
        copy.priority = priority
        copy.restoresFromSourceTopic = restoresFromSourceTopic
        return copy
    }

    /// Links both ways; a link that is there already stays where it is.
    func addChild(_ child: LogicalNode) {
        if !children.contains(where: { $0 === child }) { children.append(child) }
        if !child.parents.contains(where: { $0 === self }) { child.parents.append(self) }
    }

    func removeChild(_ child: LogicalNode) {
        children.removeAll { $0 === child }
        child.parents.removeAll { $0 === self }
    }
}

extension LogicalNode {
    /// The repartition that this node is, if it is one.
    var repartition: Repartition? {
        if case .repartition(let repartition) = kind { repartition } else { nil }
    }

    /// The first node that meets a condition, here and upwards: depth first, parents in their order, as Kafka searches. What is found
    /// decides over names.
    func nearest(where condition: (LogicalNode) -> Bool) -> LogicalNode? {
        var seen: Set<ObjectIdentifier> = []
        var pending = [self]
        while let node = pending.popLast() {
            if condition(node) { return node }
            if seen.insert(ObjectIdentifier(node)).inserted { pending += node.parents.reversed() }
        }
        return nil
    }
}
