import Millrace
import MillraceFormats
import MillracePlan
import MillraceStreams

/// All of a topology as one task. What it writes is forgotten, to repartition topics too, unless it is told to read those.
final class MicroTask {
    private let task: StreamTask
    private let collector: RecordCollector
    private let global: GlobalStateTask
    /// Where each topic that comes back ends; `nil` for a task that reads none of its own.
    private var ends: [String: Offset]?

    /// - Parameter readsBack: Whether it reads what it writes to its internal topics.
    init(_ topology: Topology, readsBack: Bool = false) throws {
        collector = RecordCollector(OnePartition())
        let id = TaskID(subtopology: 0, partition: 0)
        global = try GlobalStateTask(
            topology.plan.globalStores,
            context: TaskContext(id: id, applicationID: "bench", now: 0, logger: .silent, collector: RecordCollector(OnePartition())))
        let context = TaskContext(id: id, applicationID: "bench", now: 0, logger: .silent, collector: collector)
        task = try StreamTask(
            id: id, subtopology: .all(of: topology.plan), context: context, globalStores: global.stores, backing: { _ in nil })
        try task.assemble()
        if readsBack { ends = [:] }
    }

    func add(_ topic: String, _ batches: UnsafeRawBufferPointer, of owner: ByteBuffer) throws {
        let fetched = FetchedBatches(partition: TopicPartition(topic, 0), bytes: batches, owner: owner, nextOffset: 0, endOffset: 0)
        if global.topics.contains(topic) { try global.apply(fetched) } else { task.add(fetched) }
    }

    /// A store of the topology.
    func store<Store: StateStore>(_ name: String, as type: Store.Type = Store.self) throws -> Store {
        guard let store = task.store(name) as? Store else { throw MillraceError(.topology, "There is no store \"\(name)\" of this type.") }
        return store
    }

    /// Processes all that was added, and commits.
    func work() throws {
        repeat { while try task.process(limit: 4096) > 0 {} } while try readBack()
        try task.prepareCommit(batch: nil)
        consume(try collector.batches())
        collector.removeAll()
    }

    /// Adds what was written to topics that the task reads.
    ///
    /// - Returns: Whether there was anything.
    private func readBack() throws -> Bool {
        guard ends != nil else { return false }
        let outputs = try collector.batches().filter { task.sourceTopics.contains($0.partition.topic) && $0.recordCount > 0 }
        for output in outputs {
            let topic = output.partition.topic
            let copy = ByteBuffer(capacity: output.bytes.count)
            copy.append(output.bytes.bytes)
            var end = ends?[topic] ?? 0
            var start = 0
            var batches = RecordBatchCursor(output.bytes.bytes)
            while let batch = try batches.next() {
                RecordBatchHeader.place(UnsafeMutableRawBufferPointer(rebasing: copy.mutableBytes[start...]), at: end, leaderEpoch: 0)
                end = Offset(end.value + batch.nextOffset.value)
                start += batch.bytes.count
            }
            ends?[topic] = end
            try add(topic, copy.bytes, of: copy)
        }
        collector.removeAll()
        return !outputs.isEmpty
    }
}

/// Every topic exists and has one partition.
private final class OnePartition: TopicDirectory {
    func partitionCount(of topic: String) -> Int32 { 1 }
}
