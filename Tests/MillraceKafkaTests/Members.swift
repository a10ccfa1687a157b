import Foundation

/// Processes of one app, by the program `kafka-member`.
final class Members {
    let application: String
    private let servers: String
    private let directory: String
    private let environment: [String: String]
    private var running: [Process] = []

    /// - Parameter environment: What `kafka-member` is told beside its arguments.
    init(of servers: String, environment: [String: String]) throws {
        self.servers = servers
        let prefix = "members-\(UUID().uuidString.prefix(8))-"
        application = prefix + "app"
        directory = NSTemporaryDirectory() + prefix + "state"
        self.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }.merging(["TOPIC_PREFIX": prefix]) { $1 }
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }

    /// Starts an instance of the app with a state directory of this name.
    ///
    /// - Parameter more: What only this one is told.
    func run(_ state: String, _ more: [String: String] = [:]) throws -> Process {
        let process = try start("run", [application, directory + "/" + state], more)
        running.append(process)
        return process
    }

    /// Whether a command comes to its end without a complaint.
    func succeeds(_ command: String, _ arguments: String...) throws -> Bool {
        let process = try start(command, arguments)
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    /// Asks an instance to stop, and waits until it has.
    static func stops(_ process: Process) -> Bool {
        process.terminate()
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    /// Ends what still runs, and removes its state.
    func end() {
        for process in running where process.isRunning {
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
        try? FileManager.default.removeItem(atPath: directory)
    }

    private func start(_ command: String, _ arguments: [String], _ more: [String: String] = [:]) throws -> Process {
        let process = Process()
        process.executableURL = Bundle.main.bundleURL.deletingLastPathComponent().appendingPathComponent("kafka-member")
        if !FileManager.default.isExecutableFile(atPath: process.executableURL?.path ?? "") {
            process.executableURL = Bundle.main.bundleURL.appendingPathComponent("kafka-member")
        }
        process.arguments = [command, servers] + arguments
        process.environment = environment.merging(more) { $1 }
        process.standardError = FileHandle.nullDevice
        try process.run()
        return process
    }
}
