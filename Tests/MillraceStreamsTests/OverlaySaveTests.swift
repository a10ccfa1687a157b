import MillraceCore
import MillraceTestKit
import Testing

@testable import MillraceStreams

/// What of an overlay's rows the disk gets to see.
@Suite struct OverlaySaveTests {
    private let disk = MemoryByteStore()

    private func open(isNew: Bool = false) -> Overlay<Int64> {
        Overlay(serde: .bigEndian, backing: Backing(store: disk, prefix: [7]), isNew: isNew)
    }

    private func put(_ rows: Overlay<Int64>, _ key: UInt8, _ value: Int64?) {
        [key].withUnsafeBytes { rows.put($0, value, 1) }
    }

    /// - Returns: The number of rows logged, and of changes for the disk.
    private func commit(_ rows: Overlay<Int64>, saves: Bool = true) throws -> [Int] {
        let batch = disk.makeBatch()
        var logged = 0
        try rows.commit(batch: saves ? batch : nil) { _, _, _, _ in logged += 1 }
        rows.checkInvariants()
        let changes = batch.count
        try disk.write(batch)
        return [logged, changes]
    }

    @Test func aRowThatComesAndGoesBetweenTwoSavesIsLoggedButNotDeletedFromDisk() throws {
        let rows = open(isNew: true)
        put(rows, 1, 10)
        put(rows, 2, 20)
        put(rows, 1, nil)
        #expect(try commit(rows) == [2, 1])
        put(rows, 3, 30)
        #expect(try commit(rows, saves: false) == [1, 0])
        put(rows, 3, nil)
        #expect(try commit(rows, saves: false) == [1, 0])
        put(rows, 4, 40)
        #expect(try commit(rows) == [1, 1])
        #expect(disk.count == 2)
    }

    @Test func keptRowsAreSavedInTheOrderOfTheirKeys() throws {
        let rows = open(isNew: true)
        for key in [UInt8(5), 2, 9] { put(rows, key, Int64(key)) }
        #expect(try commit(rows, saves: false) == [3, 0])
        put(rows, 2, nil)
        put(rows, 9, 90)
        #expect(try commit(rows, saves: false) == [2, 0])
        put(rows, 1, 1)
        // The store throws where keys do not ascend.
        try disk.load { try rows.save(to: $0) }
        #expect(disk.count == 2)
        rows.checkInvariants()
        // The row that was not committed is still to be logged, and there is nothing more to save.
        #expect(try commit(rows, saves: false) == [1, 0])
        try disk.load { try rows.save(to: $0) }
        #expect(disk.count == 3)
        #expect(try commit(rows) == [0, 0])
    }

    @Test func aRowThatIsOnDiskIsDeletedThere() throws {
        let rows = open(isNew: true)
        put(rows, 1, 10)
        #expect(try commit(rows) == [1, 1])
        put(rows, 1, nil)
        #expect(try commit(rows, saves: false) == [1, 0])
        put(rows, 1, 11)
        put(rows, 1, nil)
        #expect(try commit(rows) == [1, 1])
        #expect(disk.count == 0)
    }

    @Test func aRowOfAnEarlierRunIsDeletedWithoutBeingRead() throws {
        let earlier = open(isNew: true)
        put(earlier, 1, 10)
        _ = try commit(earlier)
        let rows = open()
        put(rows, 1, nil)
        #expect(try commit(rows) == [1, 1])
        #expect(disk.count == 0)
        let slot = try [UInt8(2)].withUnsafeBytes { try rows.slot(of: $0) }
        rows.write(20, 2, slot: slot)
        rows.write(nil, 3, slot: slot)
        #expect(try commit(rows) == [1, 0])
    }
}
