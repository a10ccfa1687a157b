/// A source, processor or sink of the topology.
public struct PhysicalNode: Sendable {
    public enum Role: Sendable {
        /// Reads these topics.
        case source(topics: [String], offsetReset: OffsetReset?)
        /// Handles records, with these stores at hand in the order in which they were connected.
        case processor(stores: [String])
        case sink(SinkTarget)
    }

    public let name: String
    public var role: Role
    public var parents: [String]
    /// In order of creation, which is the order in which they get each record.
    public var children: [String] = []
    /// Whether a repartition's filter lets records without a key pass, because a join after the topic has a use for them.
    public var passesNullKeys = false
    /// Those of the logical parents whose output is a versioned table, for processors of tables.
    public var versionedInputs: Set<String> = []
    /// What the DSL or the user gave for this node. The plan does not look into it.
    public var payload: any Sendable

    init(_ name: String, _ role: Role, parents: [String] = [], payload: any Sendable) {
        self.name = name
        self.role = role
        self.parents = parents
        self.payload = payload
    }
}
