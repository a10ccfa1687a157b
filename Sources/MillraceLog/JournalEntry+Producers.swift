import MillraceCore
import MillraceFormats

/// The part of an entry that tells of producers; an entry without any ends before it.
extension JournalEntry {
    func encodeProducers(into buffer: ByteBuffer) {
        JournalEntry.put(UInt64(producers.count), buffer)
        for mark in producers {
            JournalEntry.put(mark.partition, buffer)
            JournalEntry.put(mark.producer, buffer)
            JournalEntry.put(UInt64(mark.lastSequence), buffer)
            JournalEntry.put(UInt64(mark.count), buffer)
            JournalEntry.put(UInt64(mark.lastOffset), buffer)
            JournalEntry.put(mark.time, buffer)
        }
        JournalEntry.put(UInt64(producerNames.count), buffer)
        for name in producerNames {
            JournalEntry.put(name.name, buffer)
            JournalEntry.put(name.producer, buffer)
            JournalEntry.put(name.time, buffer)
        }
    }

    /// Returns false when the bytes are not what `encodeProducers` writes.
    mutating func decodeProducers(_ place: inout UnsafeRawPointer, _ end: UnsafeRawPointer) -> Bool {
        guard let producerCount = Varint.read(&place, end: end) else { return false }
        for _ in 0..<producerCount {
            guard let key = JournalEntry.takeKey(&place, end), let producer = JournalEntry.takeProducer(&place, end),
                let lastSequence = JournalEntry.takeOffset(&place, end).flatMap({ Int32(exactly: $0) }),
                let count = JournalEntry.takeOffset(&place, end), count > 0, count <= Int64(Int32.max),
                let lastOffset = JournalEntry.takeOffset(&place, end), lastOffset >= count - 1,
                let time = JournalEntry.takeOffset(&place, end)
            else { return false }
            producers.append(
                ProducerMark(
                    partition: key, producer: producer, lastSequence: lastSequence, count: count, lastOffset: lastOffset,
                    time: Timestamp(milliseconds: time)))
        }
        guard let nameCount = Varint.read(&place, end: end) else { return false }
        for _ in 0..<nameCount {
            guard let name = JournalEntry.takeText(&place, end), let producer = JournalEntry.takeProducer(&place, end),
                let time = JournalEntry.takeOffset(&place, end)
            else { return false }
            producerNames.append(ProducerName(name: name, producer: producer, time: Timestamp(milliseconds: time)))
        }
        return true
    }

    private static func put(_ producer: ProducerIdentity, _ buffer: ByteBuffer) {
        put(UInt64(producer.id), buffer)
        put(UInt64(producer.epoch), buffer)
    }

    private static func put(_ time: Timestamp, _ buffer: ByteBuffer) {
        put(UInt64(max(0, time.milliseconds)), buffer)
    }

    private static func takeProducer(_ place: inout UnsafeRawPointer, _ end: UnsafeRawPointer) -> ProducerIdentity? {
        guard let id = takeOffset(&place, end), let epoch = takeOffset(&place, end).flatMap({ Int16(exactly: $0) }) else { return nil }
        return ProducerIdentity(id: id, epoch: epoch)
    }
}
