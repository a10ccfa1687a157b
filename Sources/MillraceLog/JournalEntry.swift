import MillraceCore
import MillraceFormats

/// A partition as the journal names it: by its topic's ordinal, so that a topic made again under an old name shares nothing with the old one.
struct PartitionKey: Hashable {
    var topic: UInt32
    var partition: Partition
}

/// How far a partition is committed, and where in its files that is.
struct PartitionMark: Equatable {
    /// The first offset that may be read. Kafka: log start offset.
    var startOffset: Int64 = 0
    /// The offset after the last committed record. Kafka: high watermark.
    var endOffset: Int64 = 0
    /// The base offset of the last segment that holds committed records, and how many of its bytes are committed.
    var segmentBase: Int64 = 0
    var segmentBytes: Int = 0
}

/// A consumer group's offset in a partition: `nil` takes it away.
struct GroupMark: Equatable {
    var group: String
    var partition: PartitionKey
    var offset: CommittedOffset?
}

/// What one commit makes visible: everything in it, or nothing.
struct JournalEntry: Equatable {
    var partitions: [(key: PartitionKey, mark: PartitionMark)] = []
    var groups: [GroupMark] = []
    var producers: [ProducerMark] = []
    var producerNames: [ProducerName] = []

    static func == (left: JournalEntry, right: JournalEntry) -> Bool {
        left.groups == right.groups && left.producers == right.producers && left.producerNames == right.producerNames
            && left.partitions.elementsEqual(right.partitions) { $0.key == $1.key && $0.mark == $1.mark }
    }

    /// Whether it says nothing.
    var isEmpty: Bool { partitions.isEmpty && groups.isEmpty && producers.isEmpty && producerNames.isEmpty }

    /// Appends the entry's payload.
    func encode(into buffer: ByteBuffer) {
        JournalEntry.put(UInt64(partitions.count), buffer)
        for (key, mark) in partitions {
            JournalEntry.put(key, buffer)
            JournalEntry.put(UInt64(mark.startOffset), buffer)
            JournalEntry.put(UInt64(mark.endOffset), buffer)
            JournalEntry.put(UInt64(mark.segmentBase), buffer)
            JournalEntry.put(UInt64(mark.segmentBytes), buffer)
        }
        JournalEntry.put(UInt64(groups.count), buffer)
        for mark in groups {
            JournalEntry.put(mark.group, buffer)
            JournalEntry.put(mark.partition, buffer)
            // 0 is "taken away", so that every offset shifts by one.
            JournalEntry.put(mark.offset.map { UInt64($0.offset.value) + 1 } ?? 0, buffer)
            if let offset = mark.offset { JournalEntry.put(offset.metadata, buffer) }
        }
        if !producers.isEmpty || !producerNames.isEmpty { encodeProducers(into: buffer) }
    }

    /// Reads a payload whose checksum was right; `nil` when it is not one nevertheless.
    init?(_ payload: UnsafeRawBufferPointer) {
        guard var place = payload.baseAddress else { return nil }
        let end = place + payload.count
        guard let partitionCount = Varint.read(&place, end: end) else { return nil }
        for _ in 0..<partitionCount {
            guard let key = JournalEntry.takeKey(&place, end), let start = JournalEntry.takeOffset(&place, end),
                let endOffset = JournalEntry.takeOffset(&place, end), let base = JournalEntry.takeOffset(&place, end),
                let bytes = JournalEntry.takeOffset(&place, end)
            else { return nil }
            let mark = PartitionMark(startOffset: start, endOffset: endOffset, segmentBase: base, segmentBytes: Int(bytes))
            partitions.append((key, mark))
        }
        guard let groupCount = Varint.read(&place, end: end) else { return nil }
        for _ in 0..<groupCount {
            guard let group = JournalEntry.takeText(&place, end), let key = JournalEntry.takeKey(&place, end),
                let shifted = JournalEntry.takeOffset(&place, end)
            else { return nil }
            var offset: CommittedOffset?
            if shifted > 0 {
                guard let metadata = JournalEntry.takeText(&place, end) else { return nil }
                offset = CommittedOffset(Offset(shifted - 1), metadata: metadata)
            }
            groups.append(GroupMark(group: group, partition: key, offset: offset))
        }
        if place < end, !decodeProducers(&place, end) { return nil }
        guard place == end else { return nil }
    }

    init() {}

    static func put(_ number: UInt64, _ buffer: ByteBuffer) {
        let target = buffer.reserve(Varint.maximumLength)
        buffer.commit(Varint.write(number, to: target) - target)
    }

    static func put(_ key: PartitionKey, _ buffer: ByteBuffer) {
        put(UInt64(key.topic), buffer)
        put(UInt64(key.partition), buffer)
    }

    static func put(_ text: String, _ buffer: ByteBuffer) {
        put(UInt64(text.utf8.count), buffer)
        buffer.append(utf8: text)
    }

    static func takeOffset(_ place: inout UnsafeRawPointer, _ end: UnsafeRawPointer) -> Int64? {
        Varint.read(&place, end: end).flatMap { Int64(exactly: $0) }
    }

    static func takeKey(_ place: inout UnsafeRawPointer, _ end: UnsafeRawPointer) -> PartitionKey? {
        guard let topic = Varint.read(&place, end: end).flatMap({ UInt32(exactly: $0) }),
            let partition = Varint.read(&place, end: end).flatMap({ Partition(exactly: $0) })
        else { return nil }
        return PartitionKey(topic: topic, partition: partition)
    }

    static func takeText(_ place: inout UnsafeRawPointer, _ end: UnsafeRawPointer) -> String? {
        guard let length = Varint.read(&place, end: end), length <= UInt64(end - place) else { return nil }
        let bytes = UnsafeRawBufferPointer(start: place, count: Int(length))
        place += Int(length)
        return String(validating: bytes, as: UTF8.self)
    }
}
