import Foundation
import RealKafka
import Testing

/// Several processes of one app on a real broker. `Scripts/kafka-chaos` is the long version, with processes and brokers that are killed and paused.
@Suite(.serialized, .enabled(if: RealKafka.isWanted)) struct SharedTasksTests {
    @Test(arguments: ["exactly once", "at least once"]) func processesShareTasksAndHandThemOver(_ guarantee: String) throws {
        let servers = try SharedBroker.bootstrapServers()
        let directory = NSTemporaryDirectory() + "millrace-members-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let prefix = "members-\(UUID().uuidString.prefix(8))-"
        func start(_ arguments: String...) throws -> Process {
            let process = Process()
            process.executableURL = Bundle.main.bundleURL.deletingLastPathComponent().appendingPathComponent("kafka-member")
            if !FileManager.default.isExecutableFile(atPath: process.executableURL?.path ?? "") {
                process.executableURL = Bundle.main.bundleURL.appendingPathComponent("kafka-member")
            }
            process.arguments = arguments
            var environment = ProcessInfo.processInfo.environment
            environment["TOPIC_PREFIX"] = prefix
            if guarantee == "at least once" { environment["AT_LEAST_ONCE"] = "1" }
            process.environment = environment
            process.standardError = FileHandle.nullDevice
            try process.run()
            return process
        }
        func succeeds(_ process: Process) -> Bool {
            process.waitUntilExit()
            return process.terminationStatus == 0
        }
        #expect(succeeds(try start("produce", servers, "2000", "4")))
        let first = try start("run", servers, prefix + "app", directory + "/first")
        let second = try start("run", servers, prefix + "app", directory + "/second")
        defer { for process in [first, second] where process.isRunning { kill(process.processIdentifier, SIGKILL) } }
        #expect(succeeds(try start("await", servers, "2000", "120")))
        // One goes, and the other has all of its tasks and their state.
        first.terminate()
        #expect(succeeds(first))
        #expect(succeeds(try start("produce", servers, "2000", "4")))
        #expect(succeeds(try start("await", servers, "4000", "120")))
        second.terminate()
        #expect(succeeds(second))
        // Without a crash nothing is repeated, whatever the guarantee.
        #expect(succeeds(try start("check", servers, "4000")))
    }
}
