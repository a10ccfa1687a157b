import MillraceCore
import MillraceFormats
import MillracePlan

/// The records of one partition that wait in a task, as the batches they came in: no record is copied or taken apart before its turn.
final class RecordQueue {
    let topic: String
    /// Where reading begins when no offset is committed.
    let reset: OffsetReset?
    let source: TaskSource
    // Touched for every record: without exclusivity checks, which would find nothing here, where no call leads back.
    /// `nil` where they were taken: their memory goes at once, also of a queue that never runs empty.
    @exclusivity(unchecked) private var waiting: ContiguousArray<FetchedBatches?> = []
    @exclusivity(unchecked) private var firstWaiting = 0
    @exclusivity(unchecked) private var batches = RecordBatchCursor(UnsafeRawBufferPointer(start: nil, count: 0))
    @exclusivity(unchecked) private var owner: AnyObject?
    @exclusivity(unchecked) private var records: RecordCursor?
    /// One for each queue, since decompressed records must live as long as the batch is being read.
    private let decompressed = ByteBuffer()
    /// Records before this offset were delivered with their batch but are not wanted.
    @exclusivity(unchecked) private(set) var position: Offset
    /// The highest timestamp of the partition so far.
    @exclusivity(unchecked) private(set) var partitionTime: Timestamp = .none
    /// The next record and its time, read ahead because its time decides which queue goes next.
    @exclusivity(unchecked) private(set) var head: RawRecord?
    @exclusivity(unchecked) private(set) var headTime: Timestamp = .none
    @exclusivity(unchecked) private(set) var byteCount = 0
    /// Counted since somebody asked the last time.
    @exclusivity(unchecked) var processedRecords = 0
    /// Bytes of batches, counted since somebody asked the last time.
    @exclusivity(unchecked) var addedBytes = 0
    /// Whether the task may go on without a record of this topic, for now.
    @exclusivity(unchecked) var mayBeEmpty = false
    /// Where the batches handed over so far end: behind the last record may lie offsets without one.
    @exclusivity(unchecked) private var endOfBatches: Offset = 0

    init(topic: String, reset: OffsetReset?, source: TaskSource, position: Offset) {
        self.topic = topic
        self.reset = reset
        self.source = source
        self.position = position
    }

    /// Whether no record waits, as far as is known without taking batches apart.
    var isEmpty: Bool { head == nil && records == nil && firstWaiting == waiting.count }

    func add(_ fetched: FetchedBatches) {
        waiting.append(fetched)
        byteCount += fetched.bytes.count
        addedBytes += fetched.bytes.count
        endOfBatches = fetched.nextOffset
    }

    /// Makes sure that `head` is the next record if there is one.
    ///
    /// - Throws: What the timestamp extractor throws; the record is left out if `skipHead` is called then.
    func fill() throws {
        guard head == nil else { return }
        guard let record = try nextRecord() else { return }
        head = record
        guard let extract = source.extractTimestamp else {
            headTime = record.timestamp
            return
        }
        headTime = try extract(record, partitionTime)
    }

    /// Takes the head away: to be called once it was processed.
    func removeHead() {
        if let head { position = head.offset + 1 }
        if headTime > partitionTime { partitionTime = headTime }
        head = nil
    }

    /// Processes the head through the task.
    func processHead() throws {
        if let head { try source.receive(head, headTime) }
    }

    /// Takes the next record past `head`: for the only queue of a task, where no time is compared, and none extracted. To be followed by `finish`.
    func take() throws -> RawRecord? {
        try nextRecord()
    }

    /// Counts a record that was taken as processed.
    func finish(_ offset: Offset, _ time: Timestamp) {
        position = offset + 1
        if time > partitionTime { partitionTime = time }
    }

    /// Forgets all records, to start again at `position`.
    func reset(to position: Offset, partitionTime: Timestamp) {
        self.partitionTime = partitionTime
        waiting = []
        firstWaiting = 0
        batches = RecordBatchCursor(UnsafeRawBufferPointer(start: nil, count: 0))
        records = nil
        owner = nil
        head = nil
        byteCount = 0
        endOfBatches = position
        self.position = position
    }

    private func nextRecord() throws -> RawRecord? {
        while true {
            if let record = try records?.next() {
                if record.offset >= position { return record }
                continue
            }
            records = nil
            if let batch = try batches.next() {
                // Control batches only take up offsets.
                if batch.isControl || batch.nextOffset <= position {
                    if batch.nextOffset > position { position = batch.nextOffset }
                } else {
                    records = try batch.records(decompressingInto: decompressed)
                }
                continue
            }
            guard firstWaiting < waiting.count, let next = waiting[firstWaiting].take() else {
                if !waiting.isEmpty {
                    waiting.removeAll(keepingCapacity: true)
                    firstWaiting = 0
                    owner = nil
                }
                if endOfBatches > position { position = endOfBatches }
                return nil
            }
            firstWaiting += 1
            if firstWaiting >= 64, firstWaiting * 2 >= waiting.count {
                waiting.removeFirst(firstWaiting)
                firstWaiting = 0
            }
            byteCount -= next.bytes.count
            owner = next.owner
            batches = RecordBatchCursor(next.bytes)
        }
    }
}
