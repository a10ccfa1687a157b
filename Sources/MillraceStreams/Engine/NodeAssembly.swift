import MillraceCore
import MillracePlan

/// What makes a node for one task. A node is assembled after the nodes it sends to, so it gets its finished outputs.
public struct NodePayload: Sendable {
    let assemble: @Sendable (NodeAssembly) throws -> NodeInput
    /// Whether it is a sink that chooses partitions by more than the keys' bytes, so that nobody else can tell where a key is.
    @usableFromInline var choosesPartitions = false

    @usableFromInline
    init(_ assemble: @escaping @Sendable (NodeAssembly) throws -> NodeInput) {
        self.assemble = assemble
    }
}

/// The surroundings of a node while it is assembled: the task, and the nodes behind it.
public struct NodeAssembly {
    /// The name of the node.
    public let name: String
    @usableFromInline let task: TaskContext
    /// For the filter of a repartition: whether records without a key go on, because a join behind has a use for them.
    @usableFromInline let passesNullKeys: Bool
    /// The names of those nodes before this one whose output is a versioned table, with updates that may concern the past.
    @usableFromInline let versionedInputs: Set<String>
    /// The assembled nodes that this one sends to, in the order in which they were made.
    let children: [(name: String, input: NodeInput)]
    /// What the node's records may be converted by, the last step first, when a node behind it takes other types.
    var conversions: [OutputConversion] = []

    /// Where the node sends to: all of its children, one after the other.
    ///
    /// - Throws: `MillraceError` of kind `topology` when a child takes other types.
    @inlinable
    func output<Key, Value>(_: Key.Type = Key.self, _: Value.Type = Value.self) throws -> Output<Key, Value> {
        let outputs: [Output<Key, Value>] = try outputs()
        switch outputs.count {
        case 0: return Output { _ in }
        case 1: return outputs[0]
        default:
            let site = site
            return Output { record in
                // One that fails does not keep the record from the others: tables among them would miss an update for good. It is one record that failed, and tells of the first.
                var refusal: (any Error)?
                for output in outputs {
                    do { try output.send(record) } catch {
                        let error = try site.refusal(error)
                        if refusal == nil { refusal = error }
                    }
                }
                if let refusal { throw refusal }
            }
        }
    }

    @usableFromInline
    func outputs<Key, Value>() throws -> [Output<Key, Value>] {
        try children.map { try output(to: $0) }
    }

    /// The child of this name alone.
    @usableFromInline
    func output<Key, Value>(toChild child: String) throws -> Output<Key, Value> {
        guard let child = children.first(where: { $0.name == child }) else {
            throw MillraceError(
                .topology, "\(name) sends to \(child), which is not one of its children (\(children.map(\.name).joined(separator: ", "))).",
                node: name)
        }
        return try output(to: child)
    }

    /// Lets the node look at what it holds back when time goes on without a record, see `StreamsBuilder.idleness`.
    ///
    /// - Parameter body: Gets the stream time; nodes are called in the order of their edges.
    @usableFromInline
    func whenIdle(_ body: @escaping (Timestamp) throws -> Void) {
        task.whenIdle(name, body)
    }

    /// The place that errors of this node name.
    @usableFromInline var site: NodeSite { NodeSite(name: name, task: task) }

    private func output<Key, Value>(to child: (name: String, input: NodeInput)) throws -> Output<Key, Value> {
        var input = child.input
        if let output = input.input as? Output<Key, Value> { return output }
        for conversion in conversions {
            guard let converted = conversion.input(input) else { continue }
            input = converted
            if let output = input.input as? Output<Key, Value> { return output }
        }
        throw MillraceError(
            .topology, "\(name) sends (\(Key.self), \(Value.self)), but \(child.name) takes \(child.input.types).", node: name)
    }
}

/// A node at work in a task: what errors and dropped records are told with.
public struct NodeSite {
    /// The node's name in the topology.
    public let name: String
    @usableFromInline let task: TaskContext

    /// The error of a user's closure, with the node, the task and the record added. Errors that know their node are left alone.
    @usableFromInline
    func failure(_ error: any Error) -> MillraceError {
        if var known = error as? MillraceError {
            if known.node == nil { known.node = name }
            if known.task == nil { known.task = task.id }
            if known.record == nil { known.record = task.recordMetadata }
            return known
        }
        return MillraceError(
            .processing, "A closure of the app threw while it processed a record.", cause: error, node: name, task: task.id,
            record: task.recordMetadata)
    }

    /// Counts a record that the rules of the operator leave out.
    @usableFromInline
    func drop(_ reason: DropReason) {
        task.drop(reason, at: name)
    }
}
