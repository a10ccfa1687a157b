import Millrace
import MillracePlan
import MillraceStreams

/// All of a topology as one task. What it writes is forgotten, to repartition topics too.
final class MicroTask {
    private let task: StreamTask
    private let collector: RecordCollector

    init(_ topology: Topology) throws {
        collector = RecordCollector(OnePartition())
        let context = TaskContext(
            id: TaskID(subtopology: 0, partition: 0), applicationID: "bench", now: 0, logger: .silent, collector: collector)
        task = try StreamTask(
            id: context.id, subtopology: .all(of: topology.plan), context: context, globalStores: [:], backing: { _ in nil })
        try task.assemble()
    }

    func add(_ topic: String, _ batches: UnsafeRawBufferPointer, of owner: ByteBuffer) {
        task.add(FetchedBatches(partition: TopicPartition(topic, 0), bytes: batches, owner: owner, nextOffset: 0, endOffset: 0))
    }

    /// A store of the topology.
    func store<Store: StateStore>(_ name: String, as type: Store.Type = Store.self) throws -> Store {
        guard let store = task.store(name) as? Store else { throw MillraceError(.topology, "There is no store \"\(name)\" of this type.") }
        return store
    }

    /// Processes all that was added, and commits.
    func work() throws {
        while try task.process(limit: 4096) > 0 {}
        try task.prepareCommit(batch: nil)
        consume(try collector.batches())
        collector.removeAll()
    }
}

/// Every topic exists and has one partition.
private final class OnePartition: TopicDirectory {
    func partitionCount(of topic: String) -> Int32 { 1 }
}
