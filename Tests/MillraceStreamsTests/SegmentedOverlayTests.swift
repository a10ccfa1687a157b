import MillraceCore
import MillraceTestKit
import Testing

@testable import MillraceStreams

@Suite struct SegmentedOverlayTests {
    private let disk = MemoryByteStore()

    private func open() throws -> SegmentedOverlay<Int64> {
        try SegmentedOverlay(serde: .bigEndian, retention: 120_000, backing: Backing(store: disk, prefix: [7]))
    }

    private func put(_ rows: SegmentedOverlay<Int64>, _ key: [UInt8], _ value: Int64?, at time: Int64) {
        rows.observe(time)
        key.withUnsafeBytes { rows.overlay(at: time)?.put($0, value, Timestamp(milliseconds: time)) }
    }

    private func get(_ rows: SegmentedOverlay<Int64>, _ key: [UInt8], at time: Int64) throws -> Int64? {
        try key.withUnsafeBytes { try rows.existingOverlay(at: time)?.get($0)?.value }
    }

    private func commit(_ rows: SegmentedOverlay<Int64>) throws -> [[UInt8]] {
        let batch = disk.makeBatch()
        var logged: [[UInt8]] = []
        try rows.commit(to: { key, _, _, _ in logged.append(Array(key)) }, batch: batch)
        try disk.write(batch)
        return logged
    }

    @Test func rowsAndTimeSurviveReopening() throws {
        let rows = try open()
        put(rows, [1], 10, at: 50_000)
        put(rows, [2], 20, at: 130_000)
        #expect(try commit(rows) == [[1], [2]])
        let again = try open()
        #expect(again.time == 130_000)
        #expect(again.segments.count == 2)
        #expect(try get(again, [1], at: 50_000) == 10)
        #expect(try get(again, [2], at: 130_000) == 20)
        #expect(again.firstTimeKept == 10_001)
    }

    @Test func oldSegmentsGoAsAWholeAndStillReachTheChangelog() throws {
        let rows = try open()
        for key in UInt8(0)..<100 { put(rows, [key], 1, at: 10) }
        _ = try commit(rows)
        // A hundred rows, and the store's time.
        #expect(disk.count == 101)
        put(rows, [1], 2, at: 11)
        put(rows, [2], 3, at: 500_000)
        #expect(rows.segments.count == 1)
        #expect(try get(rows, [1], at: 10) == nil)
        #expect(try commit(rows) == [[1], [2]])
        #expect(disk.count == 2)
        #expect(try open().segments.map(\.id) == [8])
    }

    @Test func segmentsLeaveTheDiskWithTheNextSave() throws {
        let rows = try open()
        for key in UInt8(0)..<100 { put(rows, [key], 1, at: 10) }
        _ = try commit(rows)
        put(rows, [2], 3, at: 500_000)
        try rows.commit(to: { _, _, _, _ in }, batch: nil)
        #expect(disk.count == 101)
        _ = try commit(rows)
        #expect(disk.count == 2)
    }

    @Test func lateWritesReachOnlyTheChangelog() throws {
        let rows = try open()
        put(rows, [1], 1, at: 500_000)
        #expect(rows.overlay(at: 380_000) == nil)
        #expect(rows.overlay(at: 380_001) != nil)
        try [UInt8(9)].withUnsafeBytes { try rows.putLate($0, 4, 380_000) }
        #expect(rows.hasUncommittedRows)
        #expect(try commit(rows).last == [9])
        #expect(!rows.hasUncommittedRows)
    }
}
