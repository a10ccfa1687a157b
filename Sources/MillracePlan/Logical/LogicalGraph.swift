import MillraceCore

/// All nodes of one builder, in the order of the DSL's calls.
///
/// The order matters: names are numbered by it, nodes are written by it, and so subtopologies and tasks are numbered by it. Kafka's
/// counterpart is `InternalStreamsBuilder`. A graph is built once, since the rewrites change it.
public final class LogicalGraph {
    /// The parent of all sources.
    public let root = LogicalNode("root", .root)

    private var nextNumber = 0
    private var nextPriority = 0
    var copartitionGroups: [[String]] = []

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
    public func add(_ node: LogicalNode, parents: [LogicalNode]) {
        precondition(!parents.isEmpty, "A logical node needs a parent: the graph's root for a source.")
        for parent in parents { parent.addChild(node) }
        node.priority = nextPriority
        nextPriority += 1
    }

    /// Declares a store that processors connect to by name. Kafka: `StreamsBuilder.addStateStore`.
    public func addStore(_ store: StoreDeclaration) {
        add(LogicalNode(store.name, .steps([.store(store, processors: [])])), parents: [root])
    }

    /// Demands that the topics of these sources are partitioned alike, as joins need. Names are those of source nodes, and may be of sources that a
    /// rewrite replaces.
    public func copartition(_ sources: [String]) {
        copartitionGroups.append(sources)
    }

    /// Rewrites the graph and writes it to a topology.
    ///
    /// - Throws: `MillraceError` of kind `.topology` when the program makes no sense: the message names the nodes and says what to do.
    public func build(_ optimizations: TopologyOptimizations = []) throws(MillraceError) -> PhysicalTopology {
        var builder = TopologyBuilder()
        for node in inBuildOrder() {
            try node.write(to: &builder, reusingSourceTopics: optimizations.contains(.reuseSourceTopics))
        }
        for group in copartitionGroups { builder.copartition(group) }
        return try builder.build()
    }

    /// All nodes but the root: of those whose parents are done, the one with the lowest priority next.
    func inBuildOrder() -> [LogicalNode] {
        var missingParents: [ObjectIdentifier: Int] = [:]
        var ready = root.children
        var order: [LogicalNode] = []
        for node in ready { missingParents[ObjectIdentifier(node)] = 0 }
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
}
