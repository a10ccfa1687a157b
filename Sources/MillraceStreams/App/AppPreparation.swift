import MillraceCore
import MillracePlan

/// What happens before an app's workers start: topics are checked, the app's own are created, and the tasks are found.
struct AppPreparation {
    let topology: PhysicalTopology
    let configuration: StreamsConfiguration
    let transport: any Transport

    /// What there is to run.
    struct Work {
        /// All tasks, in order.
        var tasks: [TaskID] = []
        /// All partitions that tasks read.
        var partitions: [TopicPartition] = []
        /// What a group is told of it.
        var subtopologies: [GroupDeclaration.Subtopology] = []
    }

    /// - Throws: `MillraceError` of kind `configuration` or `transport` that names the topics and what to do.
    func prepare() throws -> Work {
        try checkApplicationID()
        let counts = try partitionCounts()
        // All checks come first: a start that fails leaves no topics behind.
        for subtopology in topology.subtopologies { try checkCopartitioning(of: subtopology, counts) }
        try checkDeadLetterTopics()
        for topic in topology.internalTopics.values.sorted(by: { $0.name < $1.name }) {
            try create(specification(of: topic.name, partitions: counts[topic.name] ?? 1, settings: topic.settings))
        }
        var work = Work()
        for subtopology in topology.subtopologies {
            let partitions = subtopology.sourceTopics.compactMap { counts[$0] }.max() ?? 0
            var declared = declaration(of: subtopology)
            for store in subtopology.stores {
                switch store.changelog {
                case .none: break
                case .own(let topic):
                    let changelog = specification(of: topic, partitions: partitions, settings: changelogSettings(of: store.declaration))
                    try create(changelog)
                    declared.changelogTopics.append(changelog)
                case .sourceTopic(let topic):
                    try check(topic, counts[topic] ?? 0, fills: store.declaration.name, of: partitions)
                    // Kafka Streams declares it so: the group does not create it, since it is read too.
                    declared.changelogTopics.append(
                        TopicSpecification(
                            whole(topic), partitions: partitions,
                            settings: configuration.internalTopicSettings.merging(changelogSettings(of: store.declaration)) { $1 }))
                }
            }
            for topic in subtopology.sourceTopics {
                work.partitions += (0..<(counts[topic] ?? 0)).map { TopicPartition(topology.isInternal(topic) ? full(topic) : topic, $0) }
            }
            work.tasks += (0..<partitions).map { TaskID(subtopology: subtopology.id, partition: $0) }
            work.subtopologies.append(declared)
        }
        return work
    }

    private func declaration(of subtopology: Subtopology) -> GroupDeclaration.Subtopology {
        return GroupDeclaration.Subtopology(
            id: subtopology.id, sourceTopics: subtopology.sourceTopics.filter { !topology.isInternal($0) },
            repartitionSourceTopics: subtopology.internalTopics.map {
                specification(of: $0.name, partitions: Int32(clamping: $0.partitions ?? 0), settings: $0.settings)
            },
            repartitionSinkTopics: subtopology.sinkTopics.filter(topology.isInternal).map(full), changelogTopics: [],
            copartitionGroups: subtopology.declaredCopartitions.map { $0.map(whole) })
    }

    /// One of the app's own topics, as it is to be.
    private func specification(of topic: String, partitions: Int32, settings: [String: String]) -> TopicSpecification {
        TopicSpecification(full(topic), partitions: partitions, settings: configuration.internalTopicSettings.merging(settings) { $1 })
    }

    /// The settings of a store's changelog; a windowed one keeps rows as much longer as the app is configured to.
    private func changelogSettings(of store: StoreDeclaration) -> [String: String] {
        var settings = store.changelogSettings
        guard settings["cleanup.policy"]?.contains("delete") == true, let retention = settings["retention.ms"].flatMap({ Int64($0) }) else {
            return settings
        }
        let usual = Duration.seconds(24 * 3600).milliseconds
        let (longer, overflow) = retention.addingReportingOverflow(configuration.windowChangelogAdditionalRetention.milliseconds - usual)
        settings["retention.ms"] = String(overflow ? .max : max(0, longer))
        return settings
    }

    /// The partition counts of all topics that the app reads: those of external topics as they are, those of internal ones as the program fixes them, or as large as the
    /// topics they are joined with, or else those that their records come from.
    private func partitionCounts() throws -> [String: Int32] {
        var counts: [String: Int32] = [:]
        for topic in topology.subtopologies.flatMap(\.sourceTopics) + topology.globalStores.map(\.topic) where !topology.isInternal(topic) {
            guard let description = try transport.describeTopic(topic) else {
                throw MillraceError(.transport, "The app reads topic \(topic), which does not exist. Create it first.")
            }
            counts[topic] = description.partitions
        }
        for topic in topology.internalTopics.values {
            if let partitions = topic.partitions { counts[topic.name] = Int32(partitions) }
        }
        var unknown = topology.internalTopics.keys.filter { counts[$0] == nil }.sorted()
        while !unknown.isEmpty {
            var progressed = false
            for topic in unknown {
                guard let count = count(of: topic, counts) else { continue }
                counts[topic] = count
                progressed = true
            }
            unknown.removeAll { counts[$0] != nil }
            guard progressed || unknown.isEmpty else {
                throw MillraceError(
                    .topology,
                    "The number of partitions of \(unknown.joined(separator: ", ")) cannot be told: their records come from each other. Give one of them a number of partitions."
                )
            }
        }
        return counts
    }

    private func count(of topic: String, _ counts: [String: Int32]) -> Int32? {
        var sources: [String] = []
        for subtopology in topology.subtopologies {
            for group in subtopology.copartitionGroups where group.contains(topic) { sources += group.filter { $0 != topic } }
        }
        let joined = sources.compactMap { counts[$0] }.max()
        if let joined { return joined }
        let writers = topology.subtopologies.filter { $0.sinkTopics.contains(topic) }.map { part in part.sourceTopics.map { counts[$0] } }
        guard !writers.isEmpty, writers.allSatisfy({ $0.contains { $0 != nil } }) else { return nil }
        return writers.joined().compactMap { $0 }.max()
    }

    private func checkCopartitioning(of subtopology: Subtopology, _ counts: [String: Int32]) throws {
        for group in subtopology.copartitionGroups {
            let sizes = group.map { ($0, counts[$0] ?? 0) }
            guard Set(sizes.map(\.1)).count > 1 else { continue }
            let list = sizes.map { "\($0.0) has \($0.1)" }.joined(separator: ", ")
            throw MillraceError(
                .configuration,
                "Topics that are joined must have equally many partitions: \(list). Send one of them through repartition(partitions:), or recreate it."
            )
        }
    }

    private func checkDeadLetterTopics() throws {
        for topic in configuration.failures.deadLetterTopics where try transport.describeTopic(topic) == nil {
            throw MillraceError(.configuration, "The dead-letter topic \(topic) does not exist. Create it before the app is started.")
        }
    }

    /// Each task that uses a store needs the partition of the topic that fills it.
    private func check(_ topic: String, _ count: Int32, fills store: String, of partitions: Int32) throws {
        guard count < partitions else { return }
        throw MillraceError(
            .configuration,
            "Store \(store) is filled from topic \(topic), which has \(count) partitions, but \(partitions) tasks use it, since they also read topics with more. Give all of these topics equally many partitions, or make it a global store."
        )
    }

    private func create(_ topic: TopicSpecification) throws {
        var found = try transport.describeTopic(topic.name)
        if found == nil {
            do { return try transport.createTopic(topic) } catch {
                // Another process of the app may have been quicker.
                found = try transport.describeTopic(topic.name)
                if found == nil { throw error }
            }
        }
        guard let present = found, present.partitions == topic.partitions else {
            throw MillraceError(
                .configuration,
                "Topic \(topic.name) belongs to this app and has \(found?.partitions ?? 0) partitions, but the topology needs \(topic.partitions). Delete the app's topics and state to start over, or restore the old number of partitions of its input."
            )
        }
    }

    /// A topic's real name: those of the app begin with its id.
    private func whole(_ topic: String) -> String { topology.isInternal(topic) ? full(topic) : topic }

    private func full(_ topic: String) -> String { "\(configuration.applicationID)-\(topic)" }

    private func checkApplicationID() throws {
        let id = configuration.applicationID
        let legal = id.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
                || byte == UInt8(ascii: "-")
        }
        guard legal, !id.isEmpty, id != ".", id != "..", id.utf8.count <= 100 else {
            throw MillraceError(
                .configuration, "\"\(id)\" cannot be an application id: use 1 to 100 of the characters a-z, A-Z, 0-9, '.', '_' and '-'.")
        }
    }
}
