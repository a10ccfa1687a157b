import MillraceCore

extension TopologyBuilder {
    /// The topics that must be partitioned alike. Groups that share a topic are one; a group of one topic demands nothing and is left out.
    func copartitionedTopics() -> [[String]] {
        var result: [[String]] = []
        for group in copartitionGroups {
            let topics = topics(of: group)
            var joined: [String] = []
            var others: [[String]] = []
            for known in result {
                if Set(known).isDisjoint(with: topics) { others.append(known) } else { joined += known }
            }
            var seen: Set<String> = []
            result = others + [(joined + topics).filter { seen.insert($0).inserted }]
        }
        return result.filter { $0.count > 1 }
    }

    /// The groups as Kafka Streams makes them: a group of sources joins the first known one that shares a topic with it, and leaves others alone.
    func declaredCopartitions() -> [[String]] {
        var groups: [[String]] = []
        var order: [String] = []
        var places: [String: Int] = [:]
        for group in copartitionGroups {
            let topics = topics(of: group)
            guard !topics.isEmpty else { continue }
            let place = topics.lazy.compactMap { places[$0] }.first ?? groups.count
            if place == groups.count { groups.append([]) }
            for topic in topics {
                if !groups[place].contains(topic) { groups[place].append(topic) }
                if places.updateValue(place, forKey: topic) == nil { order.append(topic) }
            }
        }
        var seen: Set<Int> = []
        return order.compactMap { places[$0] }.filter { seen.insert($0).inserted }.map { groups[$0] }
    }

    /// Throws if the program fixes the numbers of partitions of all topics of a group, and they differ. If one is not fixed, the engine
    /// sees to it that it is like the others.
    func checkCopartitions() throws(MillraceError) {
        for group in copartitionGroups {
            let topics = topics(of: group)
            let fixed = topics.compactMap { topic in internalTopics[topic]?.partitions.map { (topic: topic, partitions: $0) } }
            guard fixed.count == topics.count, Set(fixed.map(\.partitions)).count > 1 else { continue }
            let list = fixed.sorted { $0.topic < $1.topic }.map { "\($0.topic) has \($0.partitions)" }.joined(separator: ", ")
            throw MillraceError(
                .topology,
                "Topics that are joined must have equally many partitions: \(list). Repartition one of the inputs to the other's number.")
        }
    }

    /// What these sources read. Names that are no sources stand for tables and streams that a rewrite took out, and read nothing.
    private func topics(of sources: [String]) -> [String] {
        sources.flatMap { name -> [String] in
            if case .source(let topics, _) = nodes[name]?.role { topics } else { [] }
        }
    }
}
