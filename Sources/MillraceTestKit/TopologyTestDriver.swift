import MillraceCore
import MillraceFormats
import MillracePlan
import MillraceStreams

/// Runs a topology record by record, in the calling thread, without files, threads or waiting: for tests of an app's logic.
///
///     let driver = try TopologyTestDriver(topology)
///     let lines = driver.input("lines", value: .string)
///     let counts = driver.output("word-counts", key: .string, value: .int64)
///     try lines.pipe("to be or not to be", at: 0)
///     #expect(try counts.readAll().last == .init(key: "be", value: 2, timestamp: 0))
///
/// What a record causes has happened when `pipe` returns, through all internal topics: every topic has one partition, and each record is committed by itself. Time is the
/// test's: stream time moves with the records, the wall clock with `advanceWallClock`. Serdes, stores and changelogs are those of production, on stores in memory.
///
/// Kafka: `TopologyTestDriver`.
public final class TopologyTestDriver {
    private let topology: PhysicalTopology
    private let applicationID: String
    private let task: StreamTask
    private let globalTask: GlobalStateTask
    private let collector: RecordCollector
    private let globalTopics: Set<String>
    private let inputs: RecordBatchWriter
    private let sourceTopics: Set<String>
    private let internalTopics: Set<String>
    private var wallClock: Timestamp
    private var nextOffsets: [String: Int64] = [:]
    private var written: [String: [WrittenRecord]] = [:]
    private var read: [String: Int] = [:]

    /// - Parameters:
    ///   - applicationID: The prefix of internal topics.
    ///   - wallClock: The time of day at the start.
    /// - Throws: What making the nodes and stores throws, such as a processor's `init`.
    public init(_ topology: Topology, applicationID: String = "test", wallClock: Timestamp = 0, logger: MillraceLogger = .silent) throws {
        self.topology = topology.plan
        self.applicationID = applicationID
        self.wallClock = wallClock
        collector = RecordCollector(SinglePartitionTopics())
        inputs = RecordBatchWriter()
        let context = TaskContext(
            id: TaskID(subtopology: 0, partition: 0), applicationID: applicationID, now: wallClock, logger: logger, collector: collector)
        globalTask = try GlobalStateTask(
            topology.plan.globalStores,
            context: TaskContext(
                id: TaskID(subtopology: 0, partition: 0), applicationID: applicationID, now: wallClock, logger: logger, collector: collector
            ))
        globalTopics = Set(globalTask.topics)
        let whole = Subtopology.all(of: topology.plan)
        internalTopics = Set(topology.plan.internalTopics.keys.map { "\(applicationID)-\($0)" })
        task = try StreamTask(
            id: context.id, subtopology: whole, context: context, globalStores: globalTask.stores, backing: { _ in nil })
        try task.assemble()
        sourceTopics = Set(task.sourceTopics)
        try settle()
    }

    deinit {
        task.context.close()
        globalTask.context.close()
    }

    /// A topic to put records into.
    public func input<Key, Value>(_ topic: String, key: Serde<Key>, value: Serde<Value>) -> TestInputTopic<Key, Value> {
        TestInputTopic(driver: self, topic: topic, key: key, value: value)
    }

    /// A topic to put records without keys into.
    public func input<Value>(_ topic: String, value: Serde<Value>) -> TestInputTopic<[UInt8]?, Value> {
        TestInputTopic(driver: self, topic: topic, key: Serde.bytes.optional, value: value)
    }

    /// A topic to read what the topology wrote, each record once.
    public func output<Key, Value>(_ topic: String, key: Serde<Key>, value: Serde<Value>) -> TestOutputTopic<Key, Value> {
        TestOutputTopic(driver: self, topic: topic, key: key, value: value)
    }

    /// Moves the time of day forward at once, fires what is due (once each, however far the jump) and settles what that causes.
    public func advanceWallClock(by duration: Duration) throws {
        wallClock = wallClock.advanced(byMilliseconds: duration.milliseconds)
        _ = try task.punctuate(now: wallClock)
        try settle()
    }

    /// A key-value store by its name, to look into or to fill before a test.
    ///
    /// - Throws: `MillraceError` of kind `topology` when there is no such store or it holds other types.
    public func keyValueStore<Key, Value>(
        _ name: String, key: Key.Type = Key.self, value: Value.Type = Value.self
    ) throws -> KeyValueStore<Key, Value> {
        try store(name)
    }

    /// A store of any kind by its name.
    public func store<Store: StateStore>(_ name: String, as type: Store.Type = Store.self) throws -> Store {
        guard let store = task.store(name) else {
            let names = topology.subtopologies.flatMap { $0.stores.map(\.declaration.name) } + topology.globalStores.map(\.store.name)
            throw MillraceError(
                .topology,
                "There is no store \"\(name)\". The topology has \(names.isEmpty ? "none" : names.sorted().joined(separator: ", ")).")
        }
        guard let typed = store as? Store else {
            throw MillraceError(.topology, "Store \"\(name)\" is a \(Swift.type(of: store)), not a \(Store.self).")
        }
        return typed
    }

    /// A store by its name, whatever its kind; `nil` when there is none.
    package func stateStore(_ name: String) -> (any StateStore)? {
        task.store(name)
    }

    /// The topics that records were written to so far: outputs, and with `includingInternal` repartition topics and changelogs.
    public func writtenTopics(includingInternal: Bool = false) -> [String] {
        written.keys.filter { includingInternal || !$0.hasPrefix(applicationID + "-") }.sorted()
    }

    /// All records written to a topic so far, as bytes, whether they were read or not. Internal topics are named with the application id.
    public func writtenRecords(of topic: String) -> [WrittenRecord] {
        written[topic] ?? []
    }

    /// How many records were dropped so far, by reason.
    public var droppedRecords: [DropReason: Int] {
        task.context.dropped.merging(globalTask.context.dropped, uniquingKeysWith: +)
    }

    func next(of topic: String) -> WrittenRecord? {
        let index = read[topic, default: 0]
        guard let records = written[topic], index < records.count else { return nil }
        read[topic] = index + 1
        return records[index]
    }

    func pipe(_ topic: String, key: [UInt8]?, value: [UInt8]?, timestamp: Timestamp, headers: Headers) throws {
        guard sourceTopics.contains(topic) || globalTopics.contains(topic) else {
            throw MillraceError(
                .configuration,
                "The topology does not read topic \"\(topic)\". It reads \((sourceTopics.union(globalTopics)).sorted().joined(separator: ", "))."
            )
        }
        try enqueue(topic, WrittenRecord(key: key, value: value, timestamp: timestamp, headers: headers))
        try settle()
    }

    /// Processes until nothing waits: one record at a time, its outputs taken over before the next.
    private func settle() throws {
        repeat {
            try task.prepareCommit(batch: nil)
            try takeOverOutputs()
        } while try task.process(limit: 1) > 0
        try task.prepareCommit(batch: nil)
        try takeOverOutputs()
    }

    private func takeOverOutputs() throws {
        let batches = try collector.batches()
        var records: [(topic: String, record: WrittenRecord)] = []
        for output in batches {
            var cursor = RecordBatchCursor(output.bytes.bytes)
            while let batch = try cursor.next() {
                var raw = try batch.records(decompressingInto: ByteBuffer())
                while let record = try raw.next() { records.append((output.partition.topic, try WrittenRecord(record))) }
            }
        }
        collector.removeAll()
        for (topic, record) in records {
            written[topic, default: []].append(record)
            if sourceTopics.contains(topic) || globalTopics.contains(topic) { try enqueue(topic, record) }
        }
    }

    private func enqueue(_ topic: String, _ record: WrittenRecord) throws {
        let offset = Offset(nextOffsets[topic, default: 0])
        nextOffsets[topic] = offset.value + 1
        inputs.reset()
        try record.key.withBytes { key in
            try record.value.withBytes { value in
                try inputs.append(timestamp: record.timestamp, headers: record.headers, key: key, value: value)
            }
        }
        try inputs.finish()
        let bytes = OwnedBytes(inputs.output.bytes, baseOffset: offset)
        let fetched = FetchedBatches(
            partition: TopicPartition(topic, 0), bytes: bytes.bytes, owner: bytes, nextOffset: offset + 1, endOffset: offset + 1)
        if globalTopics.contains(topic) {
            try globalTask.apply(fetched)
        } else {
            task.add(fetched)
        }
    }
}

/// In the test driver every topic exists and has one partition.
private final class SinglePartitionTopics: TopicDirectory {
    func partitionCount(of topic: String) -> Int32 { 1 }
}

/// A copy of record batches, at an offset of their own.
private final class OwnedBytes {
    let bytes: UnsafeRawBufferPointer

    init(_ source: UnsafeRawBufferPointer, baseOffset: Offset) {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: source.count, alignment: 8)
        copy.copyMemory(from: source)
        copy.storeBytes(of: baseOffset.value.bigEndian, toByteOffset: RecordBatchLayout.baseOffset, as: Int64.self)
        bytes = UnsafeRawBufferPointer(copy)
    }

    deinit { bytes.deallocate() }
}

extension Optional where Wrapped == [UInt8] {
    fileprivate func withBytes(_ body: (UnsafeRawBufferPointer?) throws -> Void) rethrows {
        guard let self else { return try body(nil) }
        try self.withUnsafeBytes { try body($0) }
    }
}
