import MillraceCore
import MillracePlan
import MillraceStreams
import MillraceTestKit

extension TopologyTestDriver {
    /// The settings and records of all topics that the topology makes for itself, by their names without the application id.
    func internalTopicContents(of topology: Topology) -> [String: ExpectedTopic] {
        var topics: [String: ExpectedTopic] = [:]
        for (name, topic) in topology.plan.internalTopics {
            topics[name] = ExpectedTopic(
                config: topic.settings, partitions: topic.partitions, records: internalRecords(of: name).map(ByteRecord.init))
        }
        for store in topology.plan.subtopologies.flatMap(\.stores) {
            guard case .own(let name) = store.changelog else { continue }
            topics[name] = ExpectedTopic(
                config: store.declaration.changelogSettings, compacted: internalRecords(of: name).compacted.map(ByteRecord.init))
        }
        return topics
    }

    private func internalRecords(of topic: String) -> [WrittenRecord] {
        writtenRecords(of: "\(applicationID)-\(topic)")
    }
}

extension [WrittenRecord] {
    /// The last record of each key, in the order of the keys' bytes.
    fileprivate var compacted: [WrittenRecord] {
        var last: [[UInt8]: WrittenRecord] = [:]
        for record in self { last[record.key ?? []] = record }
        return last.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map(\.value)
    }
}

extension ByteRecord {
    fileprivate init(_ record: WrittenRecord) {
        self.init(
            k: record.key.map(Base64.text), v: record.value.map(Base64.text), ts: record.timestamp.milliseconds,
            headers: record.headers.isEmpty ? nil : record.headers.map { [$0.name, $0.value.map(Base64.text)] })
    }

}
