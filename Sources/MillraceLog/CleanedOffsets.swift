import MillraceCore

/// Up to which offset each partition was compacted. Losing it costs only work, and what is damaged counts as lost: the next compaction
/// begins at the start. A wrong offset would do harm: tombstones would go before the values that they delete. Kafka: `cleaner-offset-checkpoint`.
struct CleanedOffsets {
    static let fileName = "millrace.cleaned"
    private static let firstLine = "millrace cleaned 2"

    private var offsets: [PartitionKey: Int64] = [:]

    init(_ fileSystem: any FileSystem, directory: String) throws {
        guard let bytes = try fileSystem.contents(of: directory + "/" + CleanedOffsets.fileName) else { return }
        guard let text = ChecksummedText.content(of: String(decoding: bytes, as: UTF8.self)) else { return }
        let lines = text.split(separator: "\n")
        guard lines.first == CleanedOffsets.firstLine[...] else { return }
        for line in lines.dropFirst() {
            let words = line.split(separator: " ")
            guard words.count == 3, let topic = UInt32(words[0]), let partition = Partition(words[1]), let offset = Int64(words[2]) else {
                continue
            }
            offsets[PartitionKey(topic: topic, partition: partition)] = offset
        }
    }

    func offset(of partition: PartitionKey) -> Int64 { offsets[partition] ?? 0 }

    func replacing(_ partition: PartitionKey, with offset: Int64) -> CleanedOffsets {
        var changed = self
        changed.offsets[partition] = offset
        return changed
    }

    func write(_ fileSystem: any FileSystem, directory: String) throws {
        let sorted = offsets.sorted { ($0.key.topic, $0.key.partition) < ($1.key.topic, $1.key.partition) }
        let text = CleanedOffsets.firstLine + "\n" + sorted.map { "\($0.key.topic) \($0.key.partition) \($0.value)\n" }.joined()
        try fileSystem.replace(directory + "/" + CleanedOffsets.fileName, with: ChecksummedText.sealed(text), in: directory)
    }
}
