import MillraceCore
import MillraceFormats

/// Making, changing and removing topics.
extension EmbeddedLog {
    public func describeTopic(_ name: String) throws -> TopicDescription? {
        state.locked { topics[name]?.description }
    }

    public func listTopics() throws -> [String] {
        state.locked { topics.keys.sorted() }
    }

    public func createTopic(_ topic: TopicSpecification) throws {
        try TopicName.validate(topic.name)
        _ = try TopicSettings(topic.settings)
        guard topic.partitions > 0, topic.partitions <= 100_000 else {
            throw MillraceError(
                .configuration, "The topic \(topic.name) cannot have \(topic.partitions) partitions: from 1 to 100000 are possible.")
        }
        try writer.locked {
            try checkUsable()
            try completeChanges()
            guard topics[topic.name] == nil else {
                throw MillraceError(.configuration, "The topic \(topic.name) exists already in \(path).")
            }
            try checkDirectoriesAreFree(topic.name, 0..<topic.partitions)
            let id = newTopicID()
            let description = TopicDescription(name: topic.name, id: id, partitions: topic.partitions, settings: topic.settings)
            var changed = catalogue
            changed.entries.append(TopicCatalogue.Entry(ordinal: changed.nextOrdinal, description: description))
            changed.nextOrdinal += 1
            try adopt(changed)
        }
    }

    /// Adds partitions to a topic, up to `count`. Kafka: `createPartitions`. Keys may go to other partitions from then on.
    ///
    /// - Throws: `MillraceError` of kind `configuration` when the topic has as many already.
    public func addPartitions(to topic: String, count: Int32) throws {
        try change(topic) { description in
            guard count > description.partitions, count <= 100_000 else {
                throw MillraceError(
                    .configuration,
                    "The topic \(topic) has \(description.partitions) partitions: they can become more, up to 100000, and not \(count).")
            }
            try checkDirectoriesAreFree(topic, description.partitions..<count)
            description.partitions = count
        }
    }

    /// Changes settings of a topic; `nil` goes back to the default. Kafka: `incrementalAlterConfigs`.
    ///
    /// - Throws: `MillraceError` of kind `configuration` when a setting is not known or not possible.
    public func alterTopic(_ topic: String, settings: [String: String?]) throws {
        try change(topic) { description in
            for (name, value) in settings.sorted(by: { $0.key < $1.key }) {
                // One that goes back to its default is not seen by `TopicSettings`, and may be misspelt as any other.
                if value == nil { try TopicSettings.checkIsKnown(name) }
                description.settings[name] = value
            }
            _ = try TopicSettings(description.settings)
        }
    }

    /// Deletes a topic with all its records and all groups' offsets in it.
    ///
    /// - Throws: `MillraceError` of kind `configuration` when there is no such topic.
    public func deleteTopic(_ name: String) throws {
        try writer.locked {
            try checkUsable()
            guard let topic = topics[name], let index = catalogue.entries.firstIndex(where: { $0.ordinal == topic.ordinal }) else {
                throw MillraceError(.configuration, "There is no topic \(name) in \(path).")
            }
            var changed = catalogue
            changed.entries[index].isDeleted = true
            try write(changed)
            state.locked {
                topics[name] = nil
                for partition in topic.partitions { partition.isDeleted = true }
                producers.keep { $0 != topic.ordinal }
                for group in groups.keys { groups[group] = groups[group]?.filter { $0.key.topic != topic.ordinal } }
                for session in waitingSessions.values where session.waits(forAnyOf: topic.partitions) { session.interrupt() }
            }
            for segment in topic.partitions.flatMap(\.segments) { segment.noteDeletion() }
            try finishDeletions()
        }
    }

    private func change(_ topic: String, _ body: (inout TopicDescription) throws -> Void) throws {
        try writer.locked {
            try checkUsable()
            try completeChanges()
            guard let index = catalogue.entries.firstIndex(where: { $0.description.name == topic && !$0.isDeleted }) else {
                throw MillraceError(.configuration, "There is no topic \(topic) in \(path).")
            }
            var changed = catalogue
            let wasCompacted = try TopicSettings(changed.entries[index].description.settings).compacts
            try body(&changed.entries[index].description)
            // What a compaction has removed stays away.
            if wasCompacted { changed.entries[index].mayHaveGaps = true }
            try adopt(changed)
        }
    }

    /// Makes a list of topics the one that counts, and opens what is new in it. Under the writer lock.
    private func adopt(_ changed: TopicCatalogue) throws {
        let before = catalogue
        try write(changed)
        do {
            try openNewPartitions(of: changed)
        } catch {
            takeBack(changed, to: before)
            throw error
        }
        try fileSystem.syncDirectory(path)
    }

    private func openNewPartitions(of changed: TopicCatalogue) throws {
        for entry in changed.entries where !entry.isDeleted {
            let old = topics[entry.description.name]
            if let old, old.description == entry.description { continue }
            var topic = try openNewPartitions(entry, old)
            topic.description = entry.description
            let settings = try TopicSettings(entry.description.settings)
            state.locked {
                for partition in topic.partitions {
                    partition.settings = settings
                    partition.hadGaps = entry.mayHaveGaps
                }
                topics[entry.description.name] = topic
            }
        }
    }

    /// Undoes a change of which not all could be made, as on a full disk. Best effort: what stays is completed before the next change, or when the log is opened.
    private func takeBack(_ changed: TopicCatalogue, to before: TopicCatalogue) {
        do {
            for entry in changed.entries where !entry.isDeleted {
                let made = Partition(topics[entry.description.name]?.partitions.count ?? 0)
                try removeDirectories(of: entry.description.name, made..<max(made, entry.description.partitions))
            }
            try write(before)
        } catch {
            options.logger.log(.warning, "A change of topics that failed could not be undone", ("path", path), ("error", "\(error)"))
        }
    }

    /// Makes whole what earlier changes left that failed and could not be undone. Under the writer lock.
    private func completeChanges() throws {
        try finishDeletions()
        let isWhole = catalogue.entries.allSatisfy { topics[$0.description.name]?.description == $0.description }
        if !isWhole { try adopt(catalogue) }
    }

    private func openNewPartitions(_ entry: TopicCatalogue.Entry, _ old: Topic?) throws -> Topic {
        guard let old else { return try openTopic(entry, from: 0) }
        var topic = old
        topic.partitions += try openTopic(entry, from: old.description.partitions).partitions
        return topic
    }

    private func openTopic(_ entry: TopicCatalogue.Entry, from first: Partition) throws -> Topic {
        try openTopic(entry, partitions: first..<entry.description.partitions, marks: [:])
    }

    func write(_ changed: TopicCatalogue) throws {
        try fileSystem.replace(path + "/" + TopicCatalogue.fileName, with: changed.text, in: path)
        catalogue = changed
    }

    /// A directory that is there although no topic has it holds something that nobody asked us to read or to overwrite.
    func checkDirectoriesAreFree(_ topic: String, _ partitions: Range<Partition>) throws {
        for number in partitions {
            let directory = "\(path)/\(TopicPartition(topic, number))"
            if fileSystem.exists(directory) {
                throw MillraceError(
                    .configuration,
                    "The topic \(topic) cannot have the directory \(directory), which is there already and not listed as a topic's. Move it away first."
                )
            }
        }
    }

    /// Removes the directories of deleted topics, also of those whose deletion was interrupted. Under the writer lock, or before the log is shared.
    func finishDeletions() throws {
        guard catalogue.entries.contains(where: \.isDeleted) else { return }
        for entry in catalogue.entries where entry.isDeleted {
            try removeDirectories(of: entry.description.name, 0..<entry.description.partitions)
        }
        var changed = catalogue
        changed.entries.removeAll(where: \.isDeleted)
        try write(changed)
    }

    private func removeDirectories(of topic: String, _ partitions: Range<Partition>) throws {
        for number in partitions {
            let directory = "\(path)/\(TopicPartition(topic, number))"
            guard fileSystem.exists(directory) else { continue }
            for name in try fileSystem.list(directory) { try fileSystem.remove(directory + "/" + name) }
            try fileSystem.removeDirectory(directory)
        }
    }

    /// An id that no other topic has, in this log or any.
    func newTopicID() -> TopicID {
        if let newTopicID = options.newTopicID { return newTopicID() }
        var random = SystemRandomNumberGenerator()
        return TopicID(high: random.next(), low: random.next())
    }
}
