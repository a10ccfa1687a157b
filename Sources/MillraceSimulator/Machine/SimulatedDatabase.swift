import MillraceCore
import MillraceTestKit
import Synchronization

/// A state database that promises what RocksDB promises without a log of its own: batches are whole, and a crash takes any number of the last ones that were not flushed.
///
/// The object is what is on the disk; `open` gives a process the byte store on it.
final class SimulatedDatabase: Sendable {
    fileprivate enum Change {
        case put([UInt8], [UInt8])
        case delete([UInt8])
        case deleteRange([UInt8], [UInt8])
    }

    private struct State {
        var rows = MemoryByteStore()
        var flushed = MemoryByteStore()
        /// The batches since the last flush.
        var pending: [[Change]] = []
        var isDamaged = false
    }

    private let state = Mutex(State())

    /// The byte store that a process works with.
    func open(on machine: SimulatedMachine) -> any ByteStore {
        OpenSimulatedDatabase(self, machine)
    }

    /// Whether the files are damaged, which every read notices from now on.
    var isDamaged: Bool {
        get { state.withLock { $0.isDamaged } }
        set { state.withLock { $0.isDamaged = newValue } }
    }

    /// All rows as they are.
    var rows: MemoryByteStore { state.withLock { $0.rows } }

    /// Loses everything, as when somebody deletes the directory.
    func removeAll() {
        state.withLock { $0 = State() }
    }

    /// Goes back to what a crash leaves: a prefix of the batches.
    ///
    /// - Parameter tearsBatch: Leaves the end of one more batch, where the position stands, without its rows: for tests that must notice.
    func crash(_ random: inout SeededNumbers, tearsBatch: Bool = false) throws {
        let kept = random.below(state.withLock { $0.pending.count } + (tearsBatch ? 0 : 1))
        try state.withLock { state in
            for batch in state.pending.prefix(kept) { try Self.apply(batch, to: state.flushed) }
            if tearsBatch, kept < state.pending.count {
                try Self.apply(Array(state.pending[kept].suffix(2)), to: state.flushed)
            }
            state.pending = []
            state.rows = try Self.copy(state.flushed)
        }
    }

    fileprivate func write(_ changes: [Change]) throws {
        try state.withLock { state in
            try Self.apply(changes, to: state.rows)
            state.pending.append(changes)
        }
    }

    func flush() throws {
        try state.withLock { state in
            for batch in state.pending { try Self.apply(batch, to: state.flushed) }
            state.pending = []
        }
    }

    private static func apply(_ changes: [Change], to store: MemoryByteStore) throws {
        let batch = store.makeBatch()
        for change in changes {
            switch change {
            case .put(let key, let value): key.withUnsafeBytes { key in value.withUnsafeBytes { batch.put(key, $0) } }
            case .delete(let key): key.withUnsafeBytes { batch.delete($0) }
            case .deleteRange(let lower, let upper):
                lower.withUnsafeBytes { lower in upper.withUnsafeBytes { batch.deleteRange(from: lower, to: $0) } }
            }
        }
        try store.write(batch)
    }

    private static func copy(_ store: MemoryByteStore) throws -> MemoryByteStore {
        let copy = MemoryByteStore()
        let batch = copy.makeBatch()
        let cursor = try store.cursor(from: UnsafeRawBufferPointer(start: nil, count: 0), to: nil)
        while try cursor.next() { batch.put(cursor.key, cursor.value) }
        try copy.write(batch)
        return copy
    }
}

/// A database that a process has open. Writes and flushes reach the machine's disk, so that the process can die there.
private final class OpenSimulatedDatabase: ByteStore {
    private let database: SimulatedDatabase
    private let machine: SimulatedMachine
    private let rows: MemoryByteStore

    init(_ database: SimulatedDatabase, _ machine: SimulatedMachine) {
        self.database = database
        self.machine = machine
        rows = database.rows
    }

    var isDamaged: Bool { database.isDamaged }

    private func checkHealth() throws {
        if database.isDamaged { throw MillraceError(.corruption, "The simulated database is damaged.") }
    }

    func get(_ key: UnsafeRawBufferPointer, into buffer: ByteBuffer) throws -> Bool {
        try checkHealth()
        return try rows.get(key, into: buffer)
    }

    func cursor(from lower: UnsafeRawBufferPointer, to upper: UnsafeRawBufferPointer?) throws -> any ByteStoreCursor {
        try checkHealth()
        return try rows.cursor(from: lower, to: upper)
    }

    func makeBatch() -> any ByteStoreBatch { SimulatedBatch() }

    func write(_ batch: any ByteStoreBatch) throws {
        guard let batch = batch as? SimulatedBatch else {
            throw MillraceError(.store, "A batch of \(type(of: batch)) cannot be written to a simulated database.")
        }
        machine.threads.letGo()
        try machine.disk.touch()
        try checkHealth()
        try database.write(batch.takeAll())
    }

    func flush() throws {
        machine.threads.letGo()
        try machine.disk.touch()
        try database.flush()
    }

    func close() throws {
        try machine.disk.touch()
        try database.flush()
    }

    func approximateSize(from lower: UnsafeRawBufferPointer, to upper: UnsafeRawBufferPointer) -> UInt64 {
        rows.approximateSize(from: lower, to: upper)
    }
}

private final class SimulatedBatch: ByteStoreBatch {
    private var changes: [SimulatedDatabase.Change] = []
    var count: Int { changes.count }

    func put(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) { changes.append(.put(Array(key), Array(value))) }
    func delete(_ key: UnsafeRawBufferPointer) { changes.append(.delete(Array(key))) }
    func deleteRange(from lower: UnsafeRawBufferPointer, to upper: UnsafeRawBufferPointer) {
        changes.append(.deleteRange(Array(lower), Array(upper)))
    }

    func takeAll() -> [SimulatedDatabase.Change] {
        defer { changes.removeAll() }
        return changes
    }
}
