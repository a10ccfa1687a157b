import MillraceCore
import MillracePlan

/// What of a program the local state depends on: noted in the state directory, and compared at the next start.
struct TopologyRecord: Equatable {
    struct Store: Equatable {
        /// Such as `WindowStore`.
        var kind: String
        /// The topic that the store is restored from, and which of that name; empty without one.
        var changelog: String
        var changelogID: String
    }

    var stores: [String: Store] = [:]
    /// The app's own topics between its subtopologies, by their full names.
    var internalTopics: Set<String> = []

    /// The record of a program whose topics exist.
    init(_ topology: PhysicalTopology, _ configuration: StreamsConfiguration, _ transport: any Transport) throws {
        internalTopics = Set(topology.internalTopics.keys.map { "\(configuration.applicationID)-\($0)" })
        let collector = RecordCollector(TransportTopics(transport))
        let context = TaskContext(
            id: TaskID(subtopology: -1, partition: 0), applicationID: configuration.applicationID, now: 0, logger: .silent,
            collector: collector)
        defer { context.close() }
        for planned in topology.subtopologies.flatMap(\.stores) {
            guard let payload = planned.declaration.payload as? StorePayload else { continue }
            // A store in memory, made to see what it is.
            let store = try payload.make(StoreSite(name: planned.declaration.name, task: context, backing: nil))
            let kind = String(describing: type(of: store)).prefix { $0 != "<" }
            let changelog = planned.changelogTopic(of: configuration.applicationID)
            let id = try changelog.flatMap { try transport.describeTopic($0)?.id }
            stores[planned.declaration.name] = Store(
                kind: String(kind), changelog: changelog ?? "", changelogID: id.map { "\($0.high)/\($0.low)" } ?? "")
        }
    }

    /// One line for each thing, its parts set apart by tabs, which no name contains.
    var text: String {
        let stores = stores.sorted { $0.key < $1.key }.map { "store\t\($0)\t\($1.kind)\t\($1.changelog)\t\($1.changelogID)" }
        return (stores + internalTopics.sorted().map { "topic\t\($0)" }).joined(separator: "\n")
    }

    /// Reads what `text` wrote; lines that make no sense are left out.
    init(text: String) {
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            switch (parts[0], parts.count) {
            case ("store", 5): stores[parts[1]] = Store(kind: parts[2], changelog: parts[3], changelogID: parts[4])
            case ("topic", 2): internalTopics.insert(parts[1])
            default: break
            }
        }
    }
}

/// Says what becomes of the local state when the program is another than the one before, and refuses what cannot become anything.
struct TopologyComparison {
    let configuration: StreamsConfiguration
    let transport: any Transport
    let state: StateDirectory

    /// Compares, and notes the program for the next start.
    ///
    /// - Throws: `MillraceError` of kind `configuration` when a store has become one of another kind, whose changelog it cannot read.
    func run(_ topology: PhysicalTopology) throws {
        let new = try TopologyRecord(topology, configuration, transport)
        let text = try state.topologyRecord()
        guard text != new.text else { return }
        if let text { try compare(TopologyRecord(text: text), new) }
        try state.setTopologyRecord(new.text)
    }

    private func compare(_ old: TopologyRecord, _ new: TopologyRecord) throws {
        for (name, store) in new.stores.sorted(by: { $0.key < $1.key }) {
            guard let before = old.stores[name], before.kind != store.kind, before.changelogID == store.changelogID else { continue }
            throw MillraceError(
                .configuration,
                "Store \(name) was a \(before.kind) when the state directory was last used, and is a \(store.kind) now, which cannot read the rows in changelog \(store.changelog). Give the store another name, or delete that topic: the store then starts empty.",
                node: name)
        }
        let (kept, rebuilt, added, gone) = sort(old.stores, new.stores)
        configuration.logger.log(
            .info, "The program is not the one that the local state is of", ("kept", list(kept)), ("rebuilt", list(rebuilt)),
            ("new", list(added)), ("gone", list(gone)))
        if !gone.isEmpty {
            configuration.logger.log(
                .warning,
                "Stores that the program has no more keep their local state for a while, and their changelogs until these are deleted",
                ("stores", list(gone)), ("changelogs", list(gone.compactMap { old.stores[$0]?.changelog })),
                ("kept for", "\(configuration.stateCleanupDelay)"))
        }
        for topic in old.internalTopics.subtracting(new.internalTopics).sorted() { try warnOfUnread(topic) }
    }

    private func sort(_ old: [String: TopologyRecord.Store], _ new: [String: TopologyRecord.Store])
        -> (kept: [String], rebuilt: [String], added: [String], gone: [String])
    {
        let both = new.keys.filter { old[$0] != nil }
        return (
            both.filter { old[$0]?.changelogID == new[$0]?.changelogID }.sorted(),
            both.filter { old[$0]?.changelogID != new[$0]?.changelogID }.sorted(),
            new.keys.filter { old[$0] == nil }.sorted(), old.keys.filter { new[$0] == nil }.sorted()
        )
    }

    /// Records that the old program sent to itself, and that nobody will read.
    private func warnOfUnread(_ topic: String) throws {
        guard let partitions = try transport.describeTopic(topic)?.partitions else { return }
        let all = (0..<partitions).map { TopicPartition(topic, $0) }
        let committed = try transport.committedOffsets(of: configuration.applicationID, for: all)
        let unread = try all.reduce(Int64(0)) { sum, partition in
            let range = try transport.offsetRange(of: partition)
            return sum + range.upperBound.value - max(range.lowerBound, committed[partition]?.offset ?? range.lowerBound).value
        }
        guard unread > 0 else { return }
        configuration.logger.log(
            .warning,
            "Records that the program before sent to itself have not been processed, and the program now does not read them. To have them processed, run the one before until it is done",
            ("topic", topic), ("records", "\(unread)"))
    }

    private func list(_ names: [String]) -> String { names.isEmpty ? "none" : names.joined(separator: " ") }
}
