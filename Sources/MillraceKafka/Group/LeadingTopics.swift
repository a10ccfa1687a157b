import MillraceCore

/// From partitions to tasks, where the group knows partitions only.
///
/// A task reads the same partition of all topics of its subtopology, so one of them says who runs it: the one with the most partitions. Only these are subscribed to, so that a task
/// is never cut in two.
struct LeadingTopics {
    private struct Lead {
        var subtopology: Int
        var partitions: Int32
    }

    private var leads: [String: Lead] = [:]

    /// - Parameter partitions: How many partitions a topic has; `nil` when there is no such topic.
    init(of declaration: GroupDeclaration, partitions: (String) throws -> Int32?) throws {
        for part in declaration.subtopologies {
            var best: (topic: String, partitions: Int32)?
            for topic in (part.sourceTopics + part.repartitionSourceTopics.map(\.name)).sorted() {
                guard let count = try partitions(topic) else {
                    throw MillraceError(.transport, "The app reads topic \(topic), which does not exist any more. Was it deleted?")
                }
                if count > best?.partitions ?? 0 { best = (topic, count) }
            }
            if let best { leads[best.topic] = Lead(subtopology: part.id, partitions: best.partitions) }
        }
    }

    /// What to subscribe to.
    var topics: [String] { leads.keys.sorted() }

    /// The task that a partition stands for.
    ///
    /// - Throws: `MillraceError` of kind `configuration` when the topic has grown, or is not one of the app's.
    func task(of partition: TopicPartition) throws -> TaskID {
        guard let lead = leads[partition.topic] else {
            throw MillraceError(
                .configuration,
                "The group assigned \(partition), which is not one of this app. Do other programs use its application id?")
        }
        guard partition.partition < lead.partitions else {
            throw MillraceError(
                .configuration,
                "Topic \(partition.topic) had \(lead.partitions) partitions when the app started, and now has more. Its state belongs to the old number: use another application id, or restart all instances if the app keeps no state."
            )
        }
        return TaskID(subtopology: lead.subtopology, partition: partition.partition)
    }
}
