import Foundation
import Millrace
import MillraceRocksDB
import MillraceTestKit
import Synchronization
import Testing

@testable import MillraceStreams

/// Restoring in sorted pieces, faults in the middle of it, and state that turns out to be damaged.
@Suite struct RestoreTests {
    /// Random changes, gathered and sorted, have the effect of a plain batch.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func sortedRowsAreABatch(seed: UInt64) throws {
        var numbers = SeededNumbers(seed: seed)
        let (sorted, plain) = (MemoryByteStore(), MemoryByteStore())
        let rows = SortedRows(fewest: seed % 3 == 0 ? 1000 : 1)
        func below(_ limit: UInt64) -> Int { Int(numbers.next() % limit) }
        let alphabet: [UInt8] = [0, 1, 97, 255]
        func key() -> [UInt8] { [0, 0, 0, 9] + (0..<below(12)).map { _ in alphabet[below(4)] } }
        for round in 0..<8 {
            let batch = plain.makeBatch()
            for _ in 0..<below(200) {
                let key = key()
                switch below(20) {
                case 0...13:
                    let value = [UInt8](repeating: UInt8(below(256)), count: below(5))
                    for target in [rows, batch] as [any ByteStoreBatch] {
                        key.withUnsafeBytes { k in value.withUnsafeBytes { target.put(k, $0) } }
                    }
                case 14...18: for target in [rows, batch] as [any ByteStoreBatch] { key.withUnsafeBytes { target.delete($0) } }
                default:
                    let (lower, upper) = (key, upper(of: key))
                    guard lower.lexicographicallyPrecedes(upper) else { continue }
                    for target in [rows, batch] as [any ByteStoreBatch] {
                        lower.withUnsafeBytes { l in upper.withUnsafeBytes { target.deleteRange(from: l, to: $0) } }
                    }
                }
            }
            let position: [UInt8] = [0, 0, 0, 0, 112, UInt8(round)]
            position.withUnsafeBytes { batch.put($0, $0) }
            try plain.write(batch)
            try rows.write(to: sorted, position: (position, position))
            #expect(rows.count == 0)
            #expect(try Self.entries(sorted) == Self.entries(plain))
        }
    }

    private func upper(of key: [UInt8]) -> [UInt8] { key.count > 5 ? key[..<(key.count - 1)] + [255, 255] : [0, 0, 0, 9, 1] }

    static func entries(_ store: any ByteStore) throws -> [[[UInt8]]] {
        let cursor = try store.cursor(from: UnsafeRawBufferPointer(start: nil, count: 0), to: nil)
        var entries: [[[UInt8]]] = []
        while try cursor.next() { entries.append([Array(cursor.key), Array(cursor.value)]) }
        return entries
    }

    /// The state's disk fails at each of its first writes during a rebuild; what it holds then is gone on from.
    @Test(arguments: EngineCase.all + EngineCase.timed)
    func restoresThatFailInTheMiddle(_ engineCase: EngineCase) async throws {
        var topics = Dictionary(uniqueKeysWithValues: engineCase.topics.map { ($0, Int32(1)) })
        topics["out"] = 1
        let run = try EngineRun(try engineCase.topology(), topics: topics)
        run.useSmallCommits()
        run.memory = MemoryByteStore()
        let half = engineCase.inputs.count / 2
        try run.put(Array(engineCase.inputs[..<half]), batch: 3)
        try await run.runUntilIdle()
        try run.put(Array(engineCase.inputs[half...]), batch: 3)
        let memory = MemoryByteStore()
        var backend = run.backend
        for fault in [1, 2, 3, 4, 6, 9] {
            backend.openState = { _, _, _ in FailingStore(memory, at: fault) }
            let app = StreamsApp(run.topology, on: backend, configuration: run.configuration)
            app.shutDownWhenIdle()
            do { try await app.run() } catch let error as MillraceError where error.message == FailingStore.message {}
        }
        run.memory = memory
        try await run.runUntilIdle()
        let expected = try EngineRun.reference(run.topology, engineCase.inputs, "out")
        #expect(try engineCase.compared(run.lists(of: "out")) == engineCase.compared(expected))
    }

    /// More rows than go to RocksDB one by one, in several pieces that hold the same keys, with deletions.
    @Test func manyRowsComeBackInSortedPieces() async throws {
        let builder = StreamsBuilder()
        let lines: KStream<String, String> = builder.stream("in")
        lines.toTable(in: "rows").toStream().to("out")
        let run = try EngineRun(try builder.build(), topics: ["in": 1, "out": 1])
        run.configuration.memoryBudget = 4 << 20
        run.configuration.restoreThreads = 1
        let inputs = (0..<24_000).map { number in
            Input(
                topic: "in", key: "k\(number * 7919 % 9_000)",
                value: number % 11 == 10 ? nil : "value \(number) \(String(repeating: "x", count: 60))",
                time: Int64(number))
        }
        try run.put(inputs, batch: 500)
        try await run.runUntilIdle()
        let before = try rows(of: run)
        try FileManager.default.removeItem(atPath: run.statePath)
        try await run.runUntilIdle()
        #expect(try rows(of: run) == before)
        #expect(before.count > 8000)
        let position = try #require(
            try withState(of: run) { try $0.positions(in: run.topology.plan)[TaskID(subtopology: 0, partition: 0)] })
        #expect(try position == run.log.offsetRange(of: TopicPartition("app-rows-changelog", 0)).upperBound.value)
    }

    private func rows(of run: EngineRun) throws -> [[[UInt8]]] {
        // Without the numbers of stores, which may be given out anew, and without the catalogue.
        try withState(of: run) {
            try Self.entries($0.database).filter { $0[0].prefix(4) != [0, 0, 0, 0] }.map { [Array($0[0].dropFirst(4)), $0[1]] }
        }
    }

    private func withState<Result>(of run: EngineRun, _ body: (StateDirectory) throws -> Result) throws -> Result {
        let store = try RocksDBStore.open(at: run.statePath, memoryBudget: 8 << 20)
        defer { do { try store.close() } catch { Issue.record("closing: \(error)") } }
        return try body(try StateDirectory(store))
    }

    /// Damage that is met while the app runs: with a restart policy all is rebuilt, and the app goes on.
    @Test func damageMetWhileRunningIsRebuilt() async throws {
        let engineCase = EngineCase.all[1]
        let run = try EngineRun(try engineCase.topology(), topics: ["in": 1, "out": 1])
        run.useSmallCommits()
        let opened = Mutex(0)
        var backend = run.backend
        let fresh = MemoryByteStore()
        backend.openState = { _, _, _ in
            opened.withLock { opened in
                opened += 1
                return opened == 1 ? FailingStore(MemoryByteStore(), at: 6, damaged: true) : fresh
            }
        }
        try run.put(engineCase.inputs, batch: 3)
        func app() -> StreamsApp {
            let app = StreamsApp(run.topology, on: backend, configuration: run.configuration)
            app.shutDownWhenIdle()
            return app
        }
        let error = await #expect(throws: MillraceError.self) { try await app().run() }
        #expect(error?.kind == .corruption)
        opened.withLock { $0 = 0 }
        run.configuration.failures.restarts = RestartPolicy(attempts: 1, backoff: .zero)
        try await app().run()
        #expect(run.said.contains("all of it is rebuilt from the changelogs"))
        #expect(run.said.contains("there is no local state"))
        #expect(try run.lists(of: "out") == EngineRun.reference(run.topology, engineCase.inputs, "out"))
    }

    @Test func aRowThatCannotBeWrittenNamesItsStore() async throws {
        let builder = StreamsBuilder()
        let odd = Serde<String>(
            "odd",
            write: { text, buffer in
                if text == "v3" { throw MillraceError(.serialization, "v3 is not liked.") }
                buffer.append(Array(text.utf8))
            }, read: { String(decoding: $0, as: UTF8.self) })
        let lines: KStream<String, String> = builder.stream("in")
        lines.groupByKey().reduce(in: "latest", value: odd) { _, new in new }.toStream().mapValues { $0 ?? "" }.to("out", value: .string)
        let run = try EngineRun(try builder.build(), topics: ["in": 1, "out": 1])
        run.memory = MemoryByteStore()
        run.configuration.failures.processing = .skip
        try run.put((0..<6).map { Input(topic: "in", key: "k\($0)", value: "v\($0)", time: 1) })
        let error = await #expect(throws: MillraceError.self) { try await run.runUntilIdle() }
        #expect(error?.node == "latest" && error?.task == TaskID(subtopology: 0, partition: 0))
        #expect(error?.message.contains("row of store latest could not be written at the commit: v3 is not liked.") == true)
    }
}

/// A store in memory whose writes fail from some time on.
final class FailingStore: ByteStore {
    static let message = "The state's disk fails because the test says so."

    private let store: MemoryByteStore
    private let writesLeft: Mutex<Int>
    private let damages: Bool

    /// - Parameter write: The number of the first write that fails, from 1.
    init(_ store: MemoryByteStore, at write: Int, damaged: Bool = false) {
        self.store = store
        writesLeft = Mutex(write)
        damages = damaged
    }

    var isDamaged: Bool { damages && writesLeft.withLock { $0 <= 0 } }

    func write(_ batch: any ByteStoreBatch) throws {
        let fails = writesLeft.withLock { left in
            left -= 1
            return left <= 0
        }
        if fails { throw MillraceError(damages ? .corruption : .store, Self.message) }
        try store.write(batch)
    }

    func get(_ key: UnsafeRawBufferPointer, into buffer: ByteBuffer) throws -> Bool { try store.get(key, into: buffer) }
    func cursor(from lower: UnsafeRawBufferPointer, to upper: UnsafeRawBufferPointer?) throws -> any ByteStoreCursor {
        try store.cursor(from: lower, to: upper)
    }
    func makeBatch() -> any ByteStoreBatch { store.makeBatch() }
    func flush() throws {}
    func close() throws {}
    func approximateSize(from lower: UnsafeRawBufferPointer, to upper: UnsafeRawBufferPointer) -> UInt64 { 0 }
}
