import MillraceCore
import MillraceFormats
import MillracePlan

/// Which partitions of a store a query is about.
public enum QueriedPartitions: Sendable, Equatable {
    /// All of them. A query throws while one is not on this instance.
    case all
    /// Those that are on this instance, however many they are.
    case local
    /// One of them.
    case only(Int32)
}

/// How the partition of a key is found.
public enum KeyPlacement<Key>: Sendable {
    /// By the keys' bytes, as Kafka's producers place them, unless the program says that a partitioner of its own is at work: then all partitions are asked.
    case automatic
    /// By a partitioner, the one that the program was given. It is called with the key and the number of partitions; `nil` leaves the choice to Kafka's default.
    case chosen(by: KeyPartitioner<Key>)
    /// Keys may be anywhere, since whoever writes the topic places them by rules of its own: all partitions are asked.
    case anywhere
}

/// Where a store is: what readers of all kinds ask through.
struct StorePlace: Sendable {
    let queries: StoreQueries
    let name: String
    let subtopology: Int
    let partitions: QueriedPartitions
    /// Whether the partition of a key follows from its bytes.
    let placesKeysByBytes: Bool

    /// The tasks that a query of many keys goes to.
    func tasks() throws -> [TaskID] {
        let tasks = try queries.tasks(of: subtopology, for: name)
        switch partitions {
        case .all: return tasks
        case .local: return tasks.filter { queries.isHere($0) }
        case .only(let partition): return [try task(partition, of: tasks)]
        }
    }

    /// The tasks that may have a key: mostly one.
    func tasks<Key>(with key: Key, _ serde: Serde<Key>, _ placement: KeyPlacement<Key>) throws -> [TaskID] {
        guard subtopology != TaskID.global.subtopology, partitions == .all || partitions == .local else { return try tasks() }
        let tasks = try queries.tasks(of: subtopology, for: name)
        let count = Int32(tasks.count)
        switch placement {
        case .anywhere: return try self.tasks()
        case .automatic where !placesKeysByBytes: return try self.tasks()
        case .automatic: break
        case .chosen(let choose): if let partition = try choose(key, count) { return [try task(partition, of: tasks)] }
        }
        guard let bytes = try serde.bytes(of: key) else { return [tasks[0]] }
        let partition = bytes.withUnsafeBytes { Murmur2.partition(forKey: serde.partitioningBytes($0), count: count) }
        return [try task(partition, of: tasks)]
    }

    /// Asks one task's store.
    func ask<Store: StateStore & SendableMetatype, Answer: Sendable>(
        _ task: TaskID, as type: Store.Type = Store.self, _ body: @escaping @Sendable (Store) throws -> Answer
    ) async throws -> Answer {
        try await queries.ask(name, of: task) { store, _ in try body(store.typed()) }
    }

    /// Asks several tasks' stores at once.
    ///
    /// - Returns: The answers in the order of the tasks.
    func ask<Store: StateStore & SendableMetatype, Answer: Sendable>(
        _ tasks: [TaskID], as type: Store.Type = Store.self, _ body: @escaping @Sendable (Store) throws -> Answer
    ) async throws -> [Answer] {
        if tasks.count == 1 { return [try await ask(tasks[0], as: type, body)] }
        return try await withThrowingTaskGroup(of: (Int, Answer).self) { group in
            for (index, task) in tasks.enumerated() { group.addTask { (index, try await ask(task, as: Store.self, body)) } }
            var answers = [Answer?](repeating: nil, count: tasks.count)
            for try await (index, answer) in group { answers[index] = answer }
            return answers.compactMap { $0 }
        }
    }

    /// The answer of the one task that may have a key, or the first of several that has one.
    func find<Store: StateStore & SendableMetatype, Key, Answer: Sendable>(
        _ key: Key, _ serde: Serde<Key>, _ placement: KeyPlacement<Key>, as type: Store.Type = Store.self,
        _ body: @escaping @Sendable (Store) throws -> Answer?
    ) async throws -> Answer? {
        try await ask(tasks(with: key, serde, placement), as: type, body).lazy.compactMap { $0 }.first
    }

    private func task(_ partition: Int32, of tasks: [TaskID]) throws -> TaskID {
        if let task = tasks.first(where: { $0.partition == partition }) { return task }
        throw MillraceError(
            .configuration, "Store \(name) has no partition \(partition): it has \(tasks.count), counted from 0.")
    }
}

extension PhysicalTopology {
    /// Whether the partition of a store's keys follows from their bytes: its records come through one topic, or through topics that are partitioned alike, and no sink of the
    /// app's places them in another way.
    func placesKeysByBytes(in subtopology: Subtopology) -> Bool {
        let topics = Set(subtopology.sourceTopics)
        guard topics.count == 1 || subtopology.copartitionGroups.contains(where: { topics.isSubset(of: $0) }) else { return false }
        for node in subtopologies.flatMap(\.nodes) {
            guard case .sink(.topic(let topic)) = node.role, topics.contains(topic) else { continue }
            if (node.payload as? NodePayload)?.choosesPartitions == true { return false }
        }
        return true
    }
}
