import Foundation
import MillraceCore

/// A real Kafka broker of its own, stopped when it is not needed any more.
final class RealBroker {
    private static let command: String? = {
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let beside = [package.deletingLastPathComponent(), package.deletingLastPathComponent().deletingLastPathComponent()].map {
            $0.path + "/shared"
        }
        let places = (ProcessInfo.processInfo.environment["MILLRACE_SHARED"].map { [$0] } ?? []) + beside
        let found = places.map { $0 + "/kafka/kafka" }.first { FileManager.default.isExecutableFile(atPath: $0) }
        let hasJava = (try? run("/usr/bin/env", ["java", "-version"])) != nil
        return hasJava ? found : nil
    }()

    /// Whether there is a Kafka, and tests that start brokers were asked for: they take minutes.
    static let isWanted: Bool = {
        guard ProcessInfo.processInfo.environment["MILLRACE_KAFKA_TESTS"] == "1" else {
            print("SKIPPED: MillraceClusterTests that need a real broker run with \"make test-kafka\".")
            return false
        }
        if command == nil {
            print("SKIPPED: a real broker needs Java and shared/kafka (set MILLRACE_SHARED); nothing was held against the real Kafka.")
        }
        return command != nil
    }()

    private let directory: String
    let bootstrapServers: String

    init(brokers: Int = 1) throws {
        directory = NSTemporaryDirectory() + "millrace-broker-\(UUID().uuidString)"
        let port = 20_000 + Int(ProcessInfo.processInfo.processIdentifier) % 20_000
        let output = try RealBroker.run(RealBroker.command ?? "", ["start", directory, "-n", "\(brokers)", "-p", "\(port)"])
        bootstrapServers = output.split(separator: "\n").last.map(String.init) ?? ""
    }

    @discardableResult
    func tool(_ arguments: String...) throws -> String {
        try RealBroker.run(RealBroker.command ?? "", ["tool", directory] + arguments)
    }

    func stop() {
        _ = try? RealBroker.run(RealBroker.command ?? "", ["stop", directory])
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Not by Foundation's `Process`: it waits until the last descendant has ended, and the broker lives on.
    private static func run(_ program: String, _ arguments: [String]) throws -> String {
        let path = NSTemporaryDirectory() + "millrace-output-\(UUID().uuidString)"
        defer { unlink(path) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 1, path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var pointers = ([program] + arguments).map { strdup($0) }
        defer { for pointer in pointers { free(pointer) } }
        pointers.append(nil)
        var child = pid_t()
        guard posix_spawn(&child, program, &actions, nil, pointers, environ) == 0 else {
            throw MillraceError(.configuration, "\(program) cannot be started.")
        }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        let output = try String(contentsOfFile: path, encoding: .utf8)
        guard status == 0 else {
            throw MillraceError(.configuration, "\(program) \(arguments.joined(separator: " ")) failed: \(output.suffix(2000))")
        }
        return output
    }
}
