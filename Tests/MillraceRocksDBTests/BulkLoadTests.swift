import Foundation
import MillraceCore
import MillraceRocksDB
import MillraceTestKit
import Testing

@Suite struct BulkLoadTests {
    private let directory = TemporaryDirectory()
    private let store: RocksDBStore

    init() throws {
        store = try RocksDBStore.open(at: directory.path, memoryBudget: 16 << 20)
    }

    @Test func loadedEntriesReplaceOlderOnesAndLieUnderNewerOnes() throws {
        try store.put("b", "old")
        try store.put("z", "kept")
        try store.bulkLoad { writer in
            for (key, value) in [("a", "1"), ("b", "2"), ("c", "3")] { try writer.put(key, value) }
            #expect(writer.count == 3)
        }
        try store.put("c", "new")
        try ByteStoreLaws.check(
            store,
            holds: [("a", "1"), ("b", "2"), ("c", "new"), ("z", "kept")].map { (key: Array($0.0.utf8), value: Array($0.1.utf8)) })
    }

    @Test(arguments: ["b", "a"])
    func keysOutOfOrderAreRefusedAndNothingIsLoaded(second: String) throws {
        let error = try #require(throws: MillraceError.self) {
            try store.bulkLoad { writer in
                try writer.put("b", "1")
                try writer.put(second, "2")
            }
        }
        #expect(error.message.contains("ascending"))
        try ByteStoreLaws.check(store, holds: [])
        #expect(try bulkLoadFiles() == [])
    }

    @Test func anEmptyLoadIsNothing() throws {
        try store.bulkLoad { _ in }
        try ByteStoreLaws.check(store, holds: [])
    }

    @Test func filesOfALoadThatDiedAreRemovedAtTheNextOpen() throws {
        try store.close()
        try Data("half".utf8).write(to: URL(fileURLWithPath: directory.path + "/bulk-load-1-1"))
        let reopened = try RocksDBStore.open(at: directory.path, memoryBudget: 16 << 20)
        #expect(try bulkLoadFiles() == [])
        try reopened.close()
    }

    private func bulkLoadFiles() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory.path).filter { $0.hasPrefix("bulk-load") }
    }
}
