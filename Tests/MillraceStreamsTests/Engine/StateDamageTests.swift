import Foundation
import Millrace
import Testing

/// A bit of the state's files is turned over between two runs: the app goes on from whole state or makes it anew, and its output is that of an undisturbed run.
///
/// `MILLRACE_FLIPS` says how many bits; without it there are some. They come in slices of a hundred, each with files of its own, and `MILLRACE_SLICE` is the first slice: 2,000 can be spread over
/// several runs. Nearly all of the time goes into waiting for the disk; with `TMPDIR` in memory (`/dev/shm`) it takes a tenth.
@Suite(.serialized) struct StateDamageTests {
    private static let flips = number("MILLRACE_FLIPS") ?? 24
    private static let firstSlice = number("MILLRACE_SLICE") ?? 0
    private static let slice = 100

    private static func number(_ name: String) -> Int? { ProcessInfo.processInfo.environment[name].flatMap { Int($0) } }

    @Test func aFlippedBitNeverChangesAResult() async throws {
        var (flipped, noticed): ([String: Int], [String: Int]) = ([:], [:])
        for slice in 0..<(Self.flips + Self.slice - 1) / Self.slice {
            try await flip(
                min(Self.slice, Self.flips - slice * Self.slice), seed: 0x5EED + UInt64(Self.firstSlice + slice), &flipped, &noticed)
        }
        #expect(!noticed.isEmpty)
        let kinds = flipped.sorted { $0.key < $1.key }.map { "\($0.key) \(noticed[$0.key] ?? 0) of \($0.value)" }
        print("\(Self.flips) flipped bits, never a wrong count; noticed: \(kinds.joined(separator: ", "))")
    }

    /// Turns bits over, one after the other, in the state of one app whose topics go on.
    private func flip(_ count: Int, seed: UInt64, _ flipped: inout [String: Int], _ noticed: inout [String: Int]) async throws {
        let engineCase = EngineCase.all[1]
        let topics = Dictionary(uniqueKeysWithValues: engineCase.topics.map { ($0, Int32(1)) }).merging(["out": 1]) { $1 }
        let run = try EngineRun(try engineCase.topology(), topics: topics)
        run.configuration.restoreThreads = 1
        let half = engineCase.inputs.count / 2
        try run.put(Array(engineCase.inputs[..<half]))
        try await run.runUntilIdle()
        let files = try FileManager.default.contentsOfDirectory(atPath: run.statePath).sorted().filter {
            $0.hasSuffix(".sst") || $0.hasSuffix(".log") || Self.smallFiles.contains(Self.kind($0))
        }
        #expect(files.contains { $0.hasSuffix(".sst") } && files.contains { $0.hasPrefix("MANIFEST") })
        let whole = try files.map { try Data(contentsOf: URL(fileURLWithPath: run.statePath + "/" + $0)) }
        let backup = run.directory + "/backup"
        try FileManager.default.copyItem(atPath: run.statePath, toPath: backup)
        let damageable = whole.indices.filter { !whole[$0].isEmpty }
        var random = seed
        var counts: [[UInt8]: Int64] = try Self.counts(run)
        for flip in 0..<count {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            // Each file as often as the others, however short it is.
            let file = damageable[flip % damageable.count]
            let place = Int(random >> 20 % UInt64(whole[file].count))
            var damaged = whole[file]
            damaged[place] ^= 1 << UInt8(random >> 16 & 7)
            // The state as it was, with one bit of it turned over. The topics have gone on meanwhile, which is a replay from them.
            try FileManager.default.removeItem(atPath: run.statePath)
            try FileManager.default.copyItem(atPath: backup, toPath: run.statePath)
            try damaged.write(to: URL(fileURLWithPath: run.statePath + "/" + files[file]))
            let said = run.said.all.count
            let key = ["a", "b", "c", "d", "e"][flip % 5]
            try run.put([Input(topic: "in", key: key, value: "v", time: 10_000 + Int64(flip))])
            // Damage that is met while the app runs ends it; the next run makes the state anew.
            do { try await run.runUntilIdle() } catch let error as MillraceError where error.kind == .corruption || error.kind == .store {
                try await run.runUntilIdle()
            }
            flipped[Self.kind(files[file]), default: 0] += 1
            if run.said.all[said...].contains(where: { $0.contains("damaged") }) { noticed[Self.kind(files[file]), default: 0] += 1 }
            counts[Array(key.utf8), default: 0] += 1
            #expect(try Self.counts(run) == counts, "bit \(random >> 16 & 7) of byte \(place) of \(files[file]), seed \(seed)")
        }
    }

    private static let smallFiles = ["MANIFEST", "CURRENT", "OPTIONS", "IDENTITY"]

    /// A file's name without what is different each time.
    private static func kind(_ file: String) -> String {
        file.contains("-") ? String(file.prefix { $0 != "-" }) : file.filter { !$0.isNumber }
    }

    /// The last count of each key.
    private static func counts(_ run: EngineRun) throws -> [[UInt8]: Int64] {
        var counts: [[UInt8]: Int64] = [:]
        for record in try run.records(of: "out") {
            guard let key = record.key, let value = record.value else { continue }
            let count = value.reduce(0) { $0 << 8 | Int64($1) }
            #expect(count == (counts[key] ?? 0) + 1, "each count once, one after the other")
            counts[key] = count
        }
        return counts
    }
}
