import Foundation
import Testing

/// Processes of one app on a real broker: the program `kafka-member`, with topics and directories of its own.
final class Members {
    private let servers: String
    private let directory = NSTemporaryDirectory() + "millrace-members-\(UUID().uuidString)"
    private let environment: [String: String]
    private var running: [Process] = []
    /// What the names of the topics begin with.
    let prefix = "members-\(UUID().uuidString.prefix(8))-"
    var application: String { prefix + "app" }

    /// - Parameter settings: Settings of librdkafka, as `name=value name=value`.
    init(on servers: String, atLeastOnce: Bool = false, settings: String = "") throws {
        self.servers = servers
        var environment = ProcessInfo.processInfo.environment
        environment["TOPIC_PREFIX"] = prefix
        if atLeastOnce { environment["AT_LEAST_ONCE"] = "1" }
        environment["SETTINGS"] = settings
        self.environment = environment
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }

    /// Kills what still runs, and removes what was written.
    func end() {
        for process in running where process.isRunning { kill(process.processIdentifier, SIGKILL) }
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Starts a process of the app.
    ///
    /// - Parameters:
    ///   - name: Of its state directory.
    ///   - seconds: When it shall end the app on all its instances; never when `nil`.
    func start(_ name: String, endingAllAfter seconds: Int? = nil) throws -> Process {
        let more = seconds.map { ["END_EVERYWHERE_AFTER": "\($0)"] } ?? [:]
        let process = try start(["run", servers, application, directory + "/" + name], sayingTo: logFile(name), more)
        running.append(process)
        return process
    }

    /// What a process of the app has said.
    func log(of name: String) throws -> String { try String(contentsOfFile: logFile(name), encoding: .utf8) }

    /// Writes as many further numbers, to topics of four partitions.
    func produce(_ count: Int) throws { try run("produce", servers, "\(count)", "4") }
    /// Waits until as many counts are there.
    func waitForCounts(_ count: Int) throws { try run("await", servers, "\(count)", "180") }
    /// Compares everything that was written with what had to be.
    func check(_ count: Int) throws { try run("check", servers, "\(count)") }

    private func run(_ arguments: String...) throws {
        let log = logFile(arguments[0])
        let process = try start(arguments, sayingTo: log)
        process.waitUntilExit()
        let said = try String(contentsOfFile: log, encoding: .utf8)
        try #require(process.terminationStatus == 0, "\(arguments[0]): \(said.suffix(1000))")
    }

    private func logFile(_ name: String) -> String { directory + "/" + name + ".log" }

    private func start(_ arguments: [String], sayingTo log: String, _ more: [String: String] = [:]) throws -> Process {
        let process = Process()
        process.executableURL = Bundle.main.bundleURL.deletingLastPathComponent().appendingPathComponent("kafka-member")
        if !FileManager.default.isExecutableFile(atPath: process.executableURL?.path ?? "") {
            process.executableURL = Bundle.main.bundleURL.appendingPathComponent("kafka-member")
        }
        process.arguments = arguments
        process.environment = environment.merging(more) { $1 }
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: log))
        try process.run()
        return process
    }
}
