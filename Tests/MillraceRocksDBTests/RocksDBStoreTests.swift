import Foundation
import MillraceCore
import MillraceRocksDB
import MillraceTestKit
import Testing

@Suite struct RocksDBStoreTests {
    private let directory = TemporaryDirectory()

    private func open() throws -> RocksDBStore {
        try RocksDBStore.open(at: directory.path, memoryBudget: 16 << 20)
    }

    @Test func theDirectoryIsMadeForItsOwnerOnly() throws {
        let store = try open()
        let attributes = try FileManager.default.attributesOfItem(atPath: store.path)
        #expect(attributes[.posixPermissions] as? Int == 0o700)
    }

    @Test func whatWasFlushedIsThereAfterReopening() throws {
        let store = try open()
        try store.put("a", "1")
        try store.flush()
        try store.put("b", "2")
        try store.close()
        #expect(try open().text("a") == "1")
        #expect(try open().text("b") == "2")
    }

    @Test func aSecondStoreInTheSameDirectoryIsRefused() throws {
        let store = try open()
        let error = try #require(throws: MillraceError.self) { try open() }
        #expect(error.kind == .fenced)
        #expect(error.message.contains(directory.path))
        try store.close()
        _ = try open()
    }

    /// The end of a table is covered by no checksum. A bit of it that turned over is noticed, or does no harm; RocksDB alone may end the process.
    @Test func aFlippedBitAtTheEndOfATableIsNoticed() throws {
        try fillAndClose()
        let names = try FileManager.default.contentsOfDirectory(atPath: directory.path)
        let file = URL(fileURLWithPath: directory.path + "/" + (try #require(names.first { $0.hasSuffix(".sst") })))
        let whole = try Data(contentsOf: file)
        let footer = whole.count - 53
        for (place, bit) in [(0, 2)] + (41..<45).flatMap({ place in (0..<8).map { (place, $0) } }) {
            var damaged = whole
            damaged[footer + place] ^= 1 << UInt8(bit)
            try damaged.write(to: file)
            let error = #expect(throws: MillraceError.self) { try open() }
            #expect(error?.kind == .corruption, "bit \(bit) of byte \(place)")
        }
        try whole.write(to: file)
        _ = try open()
    }

    @Test func aDamagedManifestSaysWhatToDelete() throws {
        try fillAndClose()
        try overwrite { $0.hasPrefix("MANIFEST-") }
        try expectCorruption()
    }

    @Test func aMissingTableSaysWhatToDelete() throws {
        try fillAndClose()
        for name in try names() where name.hasSuffix(".sst") { try FileManager.default.removeItem(atPath: directory.path + "/" + name) }
        try expectCorruption()
    }

    @Test func aMissingCurrentFileIsNotTakenForAnEmptyStore() throws {
        try fillAndClose()
        try FileManager.default.removeItem(atPath: directory.path + "/CURRENT")
        try expectCorruption()
    }

    @Test func aDamagedTableIsFoundAtTheLatestWhenItIsRead() throws {
        try fillAndClose()
        try overwrite { $0.hasSuffix(".sst") }
        let error = try #require(throws: MillraceError.self) { _ = try open().text("a") }
        #expect(error.kind == .corruption)
    }

    /// RocksDB itself opens a directory with a damaged table as if it were whole; whoever opens it next must know, to make it anew.
    @Test func damageThatWasMetIsKnownAtTheNextOpening() throws {
        try fillAndClose()
        try overwrite { $0.hasSuffix(".sst") }
        #expect(throws: MillraceError.self) { _ = try open().text("a") }
        try expectCorruption()
        try RocksDBStore.remove(at: directory.path)
        #expect(try open().text("a") == nil)
    }

    @Test func aFileInTheWayIsExplained() throws {
        let parent = (directory.path as NSString).deletingLastPathComponent
        try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
        try Data("x".utf8).write(to: URL(fileURLWithPath: directory.path))
        let error = try #require(throws: MillraceError.self) { try open() }
        #expect(error.kind == .store)
        #expect(error.message.contains(directory.path))
    }

    @Test func aClosedStoreThrowsAndItsCursorsLiveOn() throws {
        let store = try open()
        try store.put("a", "1")
        let cursor = try store.cursor(from: UnsafeRawBufferPointer(start: nil, count: 0), to: nil)
        try store.close()
        try store.close()
        #expect(throws: MillraceError.self) { try store.put("b", "2") }
        #expect(try cursor.next())
        #expect(Array(cursor.value) == Array("1".utf8))
    }

    @Test func aCursorOutlivesItsStore() throws {
        var store: RocksDBStore? = try open()
        try store?.put("a", "1")
        let cursor = try #require(try store?.cursor(from: UnsafeRawBufferPointer(start: nil, count: 0), to: nil))
        store = nil
        #expect(try cursor.previous())
        #expect(Array(cursor.key) == Array("a".utf8))
    }

    @Test func readersMayRaceWithClosing() async throws {
        let store = try open()
        try store.put("a", "1")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<2000 {
                        do {
                            let text = try store.text("a")
                            #expect(text == "1")
                        } catch {
                            #expect((error as? MillraceError)?.kind == .store)
                        }
                    }
                }
            }
            group.addTask { try store.close() }
            try await group.waitForAll()
        }
    }

    @Test func aBatchOfAnotherStoreIsRefused() throws {
        let store = try open()
        #expect(throws: MillraceError.self) { try store.write(MemoryByteStore().makeBatch()) }
    }

    @Test func sizesGrowWithWhatIsOnDisk() throws {
        let store = try open()
        for number in 0..<1000 { try store.put("key-\(number)", "\(number.hashValue)-\(UUID())") }
        try store.flush()
        let size = Array("key".utf8).withUnsafeBytes { lower in
            Array("kez".utf8).withUnsafeBytes { store.approximateSize(from: lower, to: $0) }
        }
        #expect((1000...1_000_000).contains(size))
    }

    private func fillAndClose() throws {
        let store = try open()
        for number in 0..<100 { try store.put("key-\(number)", "\(number)") }
        try store.put("a", "1")
        try store.close()
    }

    private func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: directory.path) }

    private func overwrite(where matches: (String) -> Bool) throws {
        for name in try names() where matches(name) {
            let file = URL(fileURLWithPath: directory.path + "/" + name)
            var bytes = try Data(contentsOf: file)
            for index in bytes.indices.prefix(200) { bytes[index] ^= 0x5A }
            try bytes.write(to: file)
        }
    }

    private func expectCorruption() throws {
        let error = try #require(throws: MillraceError.self) { try open() }
        #expect(error.kind == .corruption)
        #expect(error.message.contains(directory.path))
        #expect(error.message.contains("Delete that directory"))
    }
}
