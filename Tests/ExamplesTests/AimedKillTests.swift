import Foundation
import Testing

/// Kills a process with SIGKILL in the middle of a commit, of a restore, of a flush and a compaction of RocksDB, and where a segment of the log begins; each time another one goes on
/// with what is on the disk, and at the end the output is exactly that of an undisturbed run.
///
/// `MILLRACE_KILLS` says how often; without it 20 times.
@Suite(.serialized) struct AimedKillTests {
    private static let kills = ProcessInfo.processInfo.environment["MILLRACE_KILLS"].flatMap { Int($0) } ?? 20
    private static let moments = ["commit", "restore", "flush", "compaction", "roll"]

    @Test func whateverTheMomentTheOutputIsExact() throws {
        var random: UInt64 = 0x5EED
        func draw(below limit: Int) -> Int {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(random >> 33) % limit
        }
        var killed: [String: Int] = [:]
        var directory = TestDirectory()
        var runs = 0
        var records = 0
        // Every moment often enough, whatever the database does in the background.
        func isEnough() -> Bool {
            killed.values.reduce(0, +) >= Self.kills && Self.moments.allSatisfy { (killed[$0] ?? 0) >= Self.kills / 10 }
        }
        while !isEnough(), runs < 20 * Self.kills {
            if runs % 25 == 0 {
                if records > 0 { #expect(try run(directory, records, killing: nil) == 0) }
                (directory, records) = (TestDirectory(), 10_000)
                #expect(try run(directory, records, killing: nil) == 0)
            }
            // So much that there is something to restore, and each life has something to add.
            records += 1000
            let moment = Self.moments[runs % Self.moments.count]
            if moment == "restore" { try FileManager.default.removeItem(atPath: directory.path("data/state")) }
            // Early points and late ones.
            let point = 1 + draw(below: 1 << (1 + draw(below: 7)))
            runs += 1
            switch try run(directory, records, killing: "\(moment):\(point)") {
            case SIGKILL: killed[moment, default: 0] += 1
            case 0: break
            case let status:
                Issue.record("It ended with status \(status), after a kill at \(moment):\(point) or before.")
                return
            }
        }
        #expect(try run(directory, records, killing: nil) == 0)
        #expect(isEnough(), "\(killed)")
        print(
            "Killed \(killed.values.reduce(0, +)) times in \(runs) runs: \(killed.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" })"
        )
    }

    /// - Returns: The signal that ended it, or its status.
    private func run(_ directory: TestDirectory, _ records: Int, killing point: String?) throws -> Int32 {
        try directory.write("", to: "errors")
        let process = try ExampleProcess(name: "kill-target").start(
            [directory.path("data"), "\(records)"], errors: FileHandle(forWritingTo: URL(fileURLWithPath: directory.path("errors"))),
            environment: point.map { ["MILLRACE_KILL": $0] } ?? [:])
        process.waitUntilExit()
        if process.terminationReason != .uncaughtSignal, process.terminationStatus != 0 {
            Issue.record("\(try directory.read("errors"))")
        }
        return process.terminationStatus
    }
}
