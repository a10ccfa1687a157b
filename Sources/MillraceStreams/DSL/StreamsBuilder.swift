import MillraceCore
import MillracePlan

/// Where a topology begins: streams and tables are read from topics here, operators are applied to them, and `build` makes a topology of it all.
///
///     let builder = StreamsBuilder()
///     builder.stream("lines", value: .string)
///         .flatMapValues { $0.lowercased().split(separator: " ").map(String.init) }
///         .groupBy { _, word in word }
///         .count(in: "counts")
///         .toStream()
///         .to("word-counts")
///     let topology = try builder.build()
///
/// Calls do not throw: what is wrong with a program is collected and thrown by `build`, all at once. Not thread-safe; a builder is used up by `build`.
///
/// Kafka: `StreamsBuilder`.
public final class StreamsBuilder {
    @usableFromInline let graph = LogicalGraph()
    /// The kind of stores that do not say theirs. Kafka: `dsl.store.suppliers.class`.
    public let defaultStore: Materialized.Kind
    /// Whether every internal topic and store must have a name of its own. Kafka: `ensure.explicit.internal.resource.naming`.
    public let requiresNames: Bool
    private var failures: [MillraceError] = []
    /// In milliseconds.
    private var idleness: Int64?
    /// The repartition that the joins of a stream share, by the stream's node.
    var repartitionsForJoins: [ObjectIdentifier: LogicalNode] = [:]

    /// An empty builder.
    ///
    /// - Parameters:
    ///   - defaultStore: The kind of stores that do not say theirs, such as `.inMemory`.
    ///   - requiresNames: Whether `build` throws for internal topics and stores with generated names. Generated names hold numbers that count the program's calls, so a change of the
    ///     program can lose sight of its state; with names of their own, programs may change.
    public init(defaultStore: Materialized.Kind = .persistent, requiresNames: Bool = false) {
        self.defaultStore = defaultStore
        self.requiresNames = requiresNames
    }

    /// The topology of all calls made so far.
    ///
    /// - Parameter optimizations: Rewrites that change which internal topics and stores there are, and so which an existing app finds again; none unless asked for.
    /// - Throws: `MillraceError` of kind `topology` or `configuration` when the program does not make sense: which nodes, why, and what to do.
    public func build(optimizations: TopologyOptimizations = []) throws -> Topology {
        if let first = failures.first {
            guard failures.count > 1 else { throw first }
            let list = failures.map { "- \($0.message)" }.joined(separator: "\n")
            throw MillraceError(first.kind, "The topology has \(failures.count) faults:\n\(list)", node: first.node)
        }
        var plan = try graph.build(optimizations)
        plan.idleness = idleness
        if requiresNames { try checkNames(of: plan) }
        return Topology(plan: plan)
    }

    private func checkNames(of plan: PhysicalTopology) throws {
        let generated = plan.generatedNames()
        guard !generated.isEmpty else { return }
        throw MillraceError(
            .configuration,
            "All internal topics and stores must have names of their own, but these have generated ones:\n"
                + generated.map { "- \($0)." }.joined(separator: "\n"))
    }

    /// A store that several processors share, by its name.
    ///
    ///     builder.addStore(.keyValue("limits", key: .string, value: .json(Limit.self)))
    ///
    /// Kafka: `addStateStore`.
    public func addStore(_ store: StoreBuilder) {
        check(name: store.declaration.name, of: "store")
        graph.addStore(store.declaration)
    }

    /// Lets time go on when input stops, so that the last windows close too.
    ///
    ///     builder.idleness(after: .seconds(30))
    ///
    /// By itself stream time stands still without records: windows stay open, suppressed results are held back, and records of a left join wait for partners until the next record
    /// comes. With this, a task that has read all there is in its topics and has had no record for `duration` of the time of day goes on: its stream time is then that of the last
    /// record plus what has passed since by the clock. All operators of the task get it, and punctuations and timers by stream time fire.
    ///
    /// A record that comes afterwards with an older time is late, as it would be behind another record of that time: choose a duration longer than producers pause or lag behind,
    /// or a grace period that covers it. What depends on it depends on when records come, too, and not only on what they say. Time that was reached is kept over a restart, and
    /// goes on from there; while the app is down or paused it stands still. A task whose first record has not come has no time to go on from.
    ///
    /// A topic that has had no record for `duration` is not waited for either, whatever `StreamsConfiguration.maximumTaskIdle` says. In `TopologyTestDriver`, `advanceWallClock`
    /// moves time. Kafka Streams has nothing like it (KIP-424); Flink: `withIdleness`, and a watermark that follows the clock.
    ///
    /// - Parameter duration: At least a millisecond.
    public func idleness(after duration: Duration) {
        idleness = duration.milliseconds
        if duration.milliseconds < 1 {
            fail("Time cannot go on after \(duration) without records. Give at least a millisecond.", kind: .configuration)
        }
    }

    /// Takes the number of a store that was asked for without a name. Counting does so besides the number that its store then gets, as in Kafka Streams, where the
    /// names of later nodes depend on it.
    @usableFromInline
    func skipStoreNumber(of store: Materialized?, prefix: String) {
        if let store, store.name == nil { _ = graph.newStoreName(prefix) }
    }

    /// A generated name of a store.
    @usableFromInline
    func newStoreName(_ prefix: String) -> String { graph.newStoreName(prefix) }

    /// Checks the name that a grouping gives to its repartition topic.
    @usableFromInline
    func check(topicName: String?) {
        if let topicName { check(name: topicName, of: "grouping") }
    }

    /// A processor's name: the one given, or the next generated one.
    @usableFromInline
    func name(_ named: String?, prefix: String, suffix: String = "") -> String {
        // Kafka Streams takes a number even where it then uses the given name; the names of later nodes depend on it.
        let generated = graph.newProcessorName(prefix)
        guard let named else { return generated }
        check(name: named + suffix, of: "node")
        return named + suffix
    }

    @usableFromInline
    func addProcessor(
        _ name: String, parents: [LogicalNode], _ payload: NodePayload, changesKey: Bool = false, changesValue: Bool = false,
        isMerge: Bool = false, stores: [StoreDeclaration] = [], connecting: [String] = []
    ) -> LogicalNode {
        var steps: [PlanStep] = [.processor(name, payload: payload)]
        steps += stores.map { .store($0, processors: [name]) }
        if !connecting.isEmpty { steps.append(.connect(name, stores: connecting)) }
        let node = LogicalNode(
            name, .steps(steps), isKeyChanging: changesKey, isValueChanging: changesValue, isMerge: isMerge)
        graph.add(node, parents: parents)
        return node
    }

    /// Notes what is wrong, for `build` to throw.
    @usableFromInline
    func fail(_ message: String, kind: MillraceError.Kind = .topology, node: String? = nil) {
        failures.append(MillraceError(kind, message, node: node))
    }

    /// Notes a mistake when streams or tables of two builders meet: each builder knows only its own.
    @usableFromInline
    func checkIsSame(as other: StreamsBuilder, at node: String) {
        if other !== self { fail("The inputs of \(node) come from two builders. Make both with the same one.", node: node) }
    }

    /// The serde given, or the type's own. Where there is neither, `build` will throw.
    @usableFromInline
    func serde<Value>(_ given: Serde<Value>?, for use: String) -> Serde<Value> {
        if let serde = given ?? Serde<Value>.ofType { return serde }
        fail(
            "There is no obvious serde of \(Value.self) for \(use). Pass one, or let \(Value.self) conform to HasSerde (a Codable type then travels as JSON).",
            kind: .configuration)
        return Serde(
            "missing", write: { _, _ in throw MillraceError(.serialization, "There is no serde of \(Value.self).") },
            read: { _ in throw MillraceError(.serialization, "There is no serde of \(Value.self).") })
    }

    /// Names become parts of topic names, file names and metrics: Kafka's rule for all of them.
    @usableFromInline
    func check(name: String, of what: String) {
        do { try LegalName.check(name, of: what) } catch { fail(error.message) }
    }
}
