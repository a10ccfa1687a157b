import Foundation
import Testing

/// A real broker for the tests of this target, started once and stopped when the process ends. Needs Java and the directory `shared/kafka` beside the package, or where
/// `MILLRACE_SHARED` says; `MILLRACE_KAFKA_BOOTSTRAP` names a broker that runs already, whose topics the tests will use.
enum RealCluster {
    /// The bootstrap servers; `nil` where there is no Kafka to start.
    static let bootstrapServers: String? = {
        if let running = ProcessInfo.processInfo.environment["MILLRACE_KAFKA_BOOTSTRAP"] { return running }
        guard let program else { return nil }
        let directory = NSTemporaryDirectory() + "millrace-kafka-\(ProcessInfo.processInfo.processIdentifier)"
        let port = 20_000 + Int(ProcessInfo.processInfo.processIdentifier) % 400 * 20
        guard let started = try? run(program, ["start", directory, "-p", "\(port)"]), started.status == 0 else {
            print("SKIPPED: the broker for MillraceKafkaTests did not start; nothing was held against the real Kafka.")
            return nil
        }
        directoryToStop = directory
        atexit {
            guard let program = RealCluster.program, let directory = RealCluster.directoryToStop else { return }
            _ = try? RealCluster.run(program, ["stop", directory])
            try? FileManager.default.removeItem(atPath: directory)
        }
        return "127.0.0.1:\(port)"
    }()

    /// Whether there is a Kafka, and tests that start brokers were asked for: they take minutes.
    static let isWanted: Bool = {
        let environment = ProcessInfo.processInfo.environment
        if environment["MILLRACE_KAFKA_BOOTSTRAP"] != nil { return true }
        guard environment["MILLRACE_KAFKA_TESTS"] == "1" else {
            print("SKIPPED: MillraceKafkaTests that need a real broker run with \"make test-kafka\".")
            return false
        }
        return program != nil
    }()

    nonisolated(unsafe) static var directoryToStop: String?

    static let program: String? = {
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let beside = [package.deletingLastPathComponent(), package.deletingLastPathComponent().deletingLastPathComponent()].map {
            $0.path + "/shared"
        }
        let candidates = (ProcessInfo.processInfo.environment["MILLRACE_SHARED"].map { [$0] } ?? []) + beside
        let hasJava = (try? run("/usr/bin/env", ["java", "-version"]).status) == 0
        let found = candidates.map { $0 + "/kafka/kafka" }.first { FileManager.default.isExecutableFile(atPath: $0) }
        if found == nil || !hasJava {
            print("SKIPPED: the tests against a real Kafka need Java and shared/kafka (set MILLRACE_SHARED).")
        }
        return hasJava ? found : nil
    }()

    static func run(_ program: String, _ arguments: [String]) throws -> (status: Int32, output: String) {
        let process = Process()
        // Foundation waits until everybody has closed a socket that the program and all it starts inherit, and a broker goes on.
        let closing = "for f in $(ls /proc/$$/fd); do [ \"$f\" -gt 2 ] && eval \"exec $f>&-\"; done; exec \"$@\""
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = ["-c", closing, "bash", program] + arguments
        let output = URL(fileURLWithPath: NSTemporaryDirectory() + "millrace-kafka-output-\(UUID().uuidString)")
        // A file and not a pipe: the broker outlives the program that starts it and would keep a pipe open.
        _ = FileManager.default.createFile(atPath: output.path, contents: nil)
        defer { try? FileManager.default.removeItem(at: output) }
        let file = try FileHandle(forWritingTo: output)
        process.standardOutput = file
        process.standardError = file
        try process.run()
        process.waitUntilExit()
        return (process.terminationStatus, (try? String(contentsOf: output, encoding: .utf8)) ?? "")
    }
}
