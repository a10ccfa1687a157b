import MillraceCore
import MillraceFormats

/// Taking over topics that a real Kafka broker wrote.
extension EmbeddedLog {
    /// Makes a topic out of the partition directories `TOPIC-0`, `TOPIC-1`, … in a directory of a stopped broker, or in a copy of it. The source stays as it is.
    ///
    /// Offsets, timestamps, keys, values, headers, compression and the topic's id stay. Every batch is checked. Records of transactions that were aborted, or still open, are
    /// left out, as a Kafka consumer that reads committed records would leave them out; so offsets may have gaps there. Records before the broker's log start offset stay
    /// hidden when `log-start-offset-checkpoint` lies beside the partitions.
    ///
    /// - Throws: `MillraceError` of kind `configuration` when the topic exists here or there is nothing to take over, of kind `corruption`, with the place, when a batch is damaged.
    @discardableResult
    public func adoptTopic(_ name: String, from source: String, settings: [String: String] = [:]) throws -> TopicDescription {
        try TopicName.validate(name)
        _ = try TopicSettings(settings)
        return try writer.locked {
            try checkUsable()
            guard topics[name] == nil else { throw MillraceError(.configuration, "The topic \(name) exists already in \(path).") }
            var count: Partition = 0
            while fileSystem.exists("\(source)/\(TopicPartition(name, count))") { count += 1 }
            guard count > 0 else {
                throw MillraceError(
                    .configuration, "There is no directory \(source)/\(name)-0. Give the broker's log directory (log.dirs) or a copy of it."
                )
            }
            try checkDirectoriesAreFree(name, 0..<count)
            // The ordinal is used up first: whatever happens, no other topic will be taken for this one.
            let ordinal = catalogue.nextOrdinal
            var changed = catalogue
            changed.nextOrdinal += 1
            try write(changed)
            do {
                return try copyTopic(name, partitions: count, from: source, settings, ordinal)
            } catch {
                for number in 0..<count { removeCopy("\(path)/\(TopicPartition(name, number))") }
                throw error
            }
        }
    }

    private func copyTopic(
        _ name: String, partitions count: Partition, from source: String, _ settings: [String: String], _ ordinal: UInt32
    )
        throws -> TopicDescription
    {
        let id = try topicID(source, name)
        let starts = try PartitionAdoption.startOffsets(source, fileSystem)
        var marks: [PartitionKey: PartitionMark] = [:]
        for number in 0..<count {
            let partition = TopicPartition(name, number)
            let adoption = PartitionAdoption(
                fileSystem: fileSystem, source: "\(source)/\(partition)", target: "\(path)/\(partition)", topicID: id,
                interval: Int(try TopicSettings(settings).indexIntervalBytes))
            marks[PartitionKey(topic: ordinal, partition: number)] = try adoption.run(startOffset: starts[partition] ?? 0)
        }
        try fileSystem.syncDirectory(path)
        var entry = JournalEntry()
        entry.partitions = marks.map { ($0, $1) }
        try recordInJournal(entry, sync: true)
        let description = TopicDescription(name: name, id: id, partitions: count, settings: settings)
        var changed = catalogue
        changed.entries.append(TopicCatalogue.Entry(ordinal: ordinal, description: description, mayHaveGaps: true))
        // Before it is listed, as it is taken away again when it cannot be opened.
        let topic = try openTopic(changed.entries[changed.entries.count - 1], partitions: 0..<count, marks: marks)
        try write(changed)
        state.locked { topics[name] = topic }
        return description
    }

    private func topicID(_ source: String, _ name: String) throws -> TopicID {
        if let text = try fileSystem.contents(of: "\(source)/\(name)-0/\(PartitionMetadata.fileName)", maximum: 4096) {
            return try PartitionMetadata(text: String(decoding: text, as: UTF8.self)).topicID
        }
        return newTopicID()
    }

    /// Best effort: what stays is in the way of a second try, whose message names it.
    private func removeCopy(_ directory: String) {
        for name in (try? fileSystem.list(directory)) ?? [] { try? fileSystem.remove(directory + "/" + name) }
        try? fileSystem.removeDirectory(directory)
    }
}
