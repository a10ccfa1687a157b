import MillraceCore
import MillraceRocksDB
import MillraceTestKit
import Testing

@Suite struct ByteStoreLawTests {
    @Test(arguments: [1, 2, 3] as [UInt64])
    func memoryObeysTheLaws(seed: UInt64) throws {
        try ByteStoreLaws(seed: seed).check(MemoryByteStore())
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func rocksDBObeysTheLaws(seed: UInt64) throws {
        let directory = TemporaryDirectory()
        try ByteStoreLaws(seed: seed).check(try RocksDBStore.open(at: directory.path, memoryBudget: 8 << 20))
    }

    @Test func aStoreThatLosesDeletesIsCaught() throws {
        let violation = try #require(throws: ByteStoreLaws.Violation.self) {
            try ByteStoreLaws(seed: 1).check(ForgetfulStore())
        }
        #expect(violation.description.hasPrefix("seed 1, round "))
    }
}

/// A store whose batches ignore deletions.
private final class ForgetfulStore: ByteStore {
    private let store = MemoryByteStore()

    private final class Batch: ByteStoreBatch {
        let batch: any ByteStoreBatch
        private var ignored = 0
        init(_ batch: any ByteStoreBatch) { self.batch = batch }
        var count: Int { batch.count == 0 ? 0 : batch.count + ignored }
        func put(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) { batch.put(key, value) }
        func delete(_ key: UnsafeRawBufferPointer) { ignored += 1 }
        func deleteRange(from lower: UnsafeRawBufferPointer, to upper: UnsafeRawBufferPointer) { batch.deleteRange(from: lower, to: upper) }
    }

    func get(_ key: UnsafeRawBufferPointer, into buffer: ByteBuffer) throws -> Bool { try store.get(key, into: buffer) }
    func close() throws { try store.close() }
    func cursor(from lower: UnsafeRawBufferPointer, to upper: UnsafeRawBufferPointer?) throws -> any ByteStoreCursor {
        try store.cursor(from: lower, to: upper)
    }
    func makeBatch() -> any ByteStoreBatch { Batch(store.makeBatch()) }
    func write(_ batch: any ByteStoreBatch) throws {
        if let batch = batch as? Batch { try store.write(batch.batch) }
    }
    func flush() throws {}
    func approximateSize(from lower: UnsafeRawBufferPointer, to upper: UnsafeRawBufferPointer) -> UInt64 {
        store.approximateSize(from: lower, to: upper)
    }
}
