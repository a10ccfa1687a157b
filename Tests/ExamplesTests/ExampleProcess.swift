import Foundation

/// An example as its users run it: a process of its own.
struct ExampleProcess {
    let name: String

    struct Outcome {
        var status: Int32
        var output: String
        var errors: String
    }

    /// Where SwiftPM puts executables: beside the tests.
    private var executable: URL {
        var directory = Bundle.main.executableURL ?? URL(fileURLWithPath: CommandLine.arguments[0])
        for argument in [CommandLine.arguments[0]] + CommandLine.arguments where argument.contains(".xctest") {
            directory = URL(fileURLWithPath: argument)
        }
        while directory.path.count > 1 {
            directory.deleteLastPathComponent()
            let candidate = directory.appendingPathComponent(name)
            if FileManager.default.isExecutableFile(atPath: candidate.path) { return candidate }
        }
        return URL(fileURLWithPath: ".build/debug/\(name)")
    }

    func start(
        _ arguments: [String], input: URL? = nil, errors: FileHandle = .nullDevice, environment: [String: String] = [:]
    ) throws -> Process {
        let process = Process()
        process.executableURL = executable
        process.arguments = arguments
        process.standardInput = try input.map { try FileHandle(forReadingFrom: $0) } ?? FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = errors
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        try process.run()
        return process
    }

    /// Runs to the end.
    func run(_ arguments: [String], input: URL? = nil) throws -> Outcome {
        let process = Process()
        process.executableURL = executable
        process.arguments = arguments
        let directory = TestDirectory()
        try directory.write("", to: "out")
        try directory.write("", to: "err")
        process.standardInput = try input.map { try FileHandle(forReadingFrom: $0) } ?? FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: directory.path("out")))
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: directory.path("err")))
        try process.run()
        process.waitUntilExit()
        return Outcome(status: process.terminationStatus, output: try directory.read("out"), errors: try directory.read("err"))
    }

    /// Starts the example again and again, kills it each time at a random moment with SIGKILL, and lets the last run end; meanwhile deletes its state once.
    ///
    /// - Returns: How often it was really killed, which may be less if it got done before.
    func runKilled(_ arguments: [String], data: String, kills: Int, seed: UInt64) throws -> Int {
        var random = seed
        var killed = 0
        for round in 0..<kills {
            let process = try start(arguments + ["--data", data])
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            Thread.sleep(forTimeInterval: 0.02 + Double(random >> 33 & 255) / 1000)
            if process.isRunning {
                kill(process.processIdentifier, SIGKILL)
                killed += 1
            }
            process.waitUntilExit()
            if round == kills / 2 { try? FileManager.default.removeItem(atPath: data + "/state") }
        }
        let outcome = try run(arguments + ["--data", data])
        guard outcome.status == 0 else { throw ExampleFailure(status: outcome.status, errors: outcome.errors) }
        return killed
    }
}

struct ExampleFailure: Error {
    var status: Int32
    var errors: String
}

/// A directory that goes away with its last reference.
final class TestDirectory {
    private let url = FileManager.default.temporaryDirectory.appendingPathComponent("millrace-\(UUID().uuidString)")

    init() {
        try? FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func path(_ name: String) -> String { url.appendingPathComponent(name).path }

    func read(_ name: String) throws -> String { try String(contentsOfFile: path(name), encoding: .utf8) }

    func write(_ text: String, to name: String) throws { try Data(text.utf8).write(to: URL(fileURLWithPath: path(name))) }
}
