import MillraceCore

/// All nodes of one builder, in the order of the DSL's calls.
///
/// The order matters: names are numbered by it, nodes are written by it, and so subtopologies and tasks are numbered by it.
/// Kafka's counterpart is `InternalStreamsBuilder`.
public final class LogicalGraph {
    /// The parent of all sources.
    public let root = LogicalNode("root", .root)

    /// All nodes but the root as they were added; those that a rewrite takes out or makes up are not accounted for.
    private(set) var nodes: [LogicalNode] = []
    var copartitionGroups: [[String]] = []
    private var nextNumber = 0
    private var nextPriority = 0

    public init() {}

    /// A name of the form `KSTREAM-MAP-0000000003`. All names of a graph share one counter.
    public func newProcessorName(_ prefix: String) -> String {
        let digits = String(nextNumber)
        nextNumber += 1
        return prefix + String(repeating: "0", count: max(0, 10 - digits.count)) + digits
    }

    /// A name of the form `KSTREAM-AGGREGATE-STATE-STORE-0000000003`, from the same counter.
    public func newStoreName(_ prefix: String) -> String {
        newProcessorName(prefix + "STATE-STORE-")
    }

    /// Puts a node below its parents, which are in the graph already.
    ///
    /// Adding a node again, as when several aggregations share a named grouping's repartition, lets it be written later than before.
    public func add(_ node: LogicalNode, parents: [LogicalNode]) {
        precondition(!parents.isEmpty, "A logical node needs a parent: the graph's root for a source.")
        if node.parents.isEmpty { nodes.append(node) }
        for parent in parents { parent.addChild(node) }
        node.priority = nextPriority
        nextPriority += 1
    }

    /// Declares a store that processors connect to by name. Kafka: `StreamsBuilder.addStateStore`.
    public func addStore(_ store: StoreDeclaration) {
        add(LogicalNode(store.name, .steps([.store(store, processors: [])])), parents: [root])
    }

    /// Demands that the topics of these sources are partitioned alike, as joins need.
    ///
    /// - Parameter sources: Names of source nodes, which the rewrites may replace by others later.
    public func copartition(_ sources: [String]) {
        copartitionGroups.append(sources)
    }

    /// Rewrites the graph and writes it to a topology.
    ///
    /// The graph itself stays as it is, so it can be built again, with other optimisations.
    ///
    /// - Throws: `MillraceError` when the program makes no sense: the message names the nodes and says what to do. Its kind is `.topology`,
    ///   or `.configuration` if a store remembers less than a join needs.
    public func build(_ optimizations: TopologyOptimizations = []) throws(MillraceError) -> PhysicalTopology {
        let graph = copy()
        let keyChangers = graph.repartitionsByKeyChanger()
        try graph.mergeDuplicateSources()
        if optimizations.contains(.reuseSourceTopics) { graph.reuseSourceTopics() }
        if optimizations.contains(.mergeRepartitionTopics) { graph.mergeRepartitionTopics(keyChangers) }
        if optimizations.contains(.singleStoreSelfJoin) { graph.shareStoreOfSelfJoins() }
        graph.passNullKeysToJoins()
        try graph.findVersionedInputs()

        var builder = TopologyBuilder()
        for node in graph.inBuildOrder() { try node.write(to: &builder) }
        for group in graph.copartitionGroups { builder.copartition(group) }
        return try builder.build()
    }

    /// All nodes but the root, as they are written: of those whose parents are done, the one with the lowest priority next.
    func inBuildOrder() -> [LogicalNode] {
        var missingParents: [ObjectIdentifier: Int] = [:]
        var ready = root.children
        var order: [LogicalNode] = []
        while let index = ready.indices.min(by: { ready[$0].priority < ready[$1].priority }) {
            let node = ready.remove(at: index)
            order.append(node)
            for child in node.children {
                let missing = (missingParents[ObjectIdentifier(child)] ?? child.parents.count) - 1
                missingParents[ObjectIdentifier(child)] = missing
                if missing == 0 { ready.append(child) }
            }
        }
        return order
    }

    /// A graph of new nodes with the same contents.
    private func copy() -> LogicalGraph {
        let copy = LogicalGraph()
        copy.copartitionGroups = copartitionGroups
        var copies = [ObjectIdentifier(root): copy.root]
        for node in nodes {
            let twin = node.copy()
            copies[ObjectIdentifier(node)] = twin
            copy.nodes.append(twin)
        }
        // Children are linked in their own order, parents in theirs: neither can be derived from the other.
        for node in [root] + nodes {
            guard let twin = copies[ObjectIdentifier(node)] else { continue }
            twin.children = node.children.compactMap { copies[ObjectIdentifier($0)] }
            twin.parents = node.parents.compactMap { copies[ObjectIdentifier($0)] }
        }
        return copy
    }
}
