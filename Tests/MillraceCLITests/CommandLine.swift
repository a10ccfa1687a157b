import Foundation

/// The command `millrace`, run as a process on a directory of the test's own, which is removed at the end.
final class CommandLineUser: @unchecked Sendable {
    let data = NSTemporaryDirectory() + "millrace-cli-\(UUID().uuidString)"

    struct Answer {
        var status: Int32
        var output: String
        var errors: String
        /// The lines of the output, each as its words.
        var rows: [[String]] { output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) } }
    }

    deinit {
        try? FileManager.default.removeItem(atPath: data)
    }

    /// Where the build puts programs and this test.
    private static var products: URL {
        URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()
    }

    /// A process that has not been started.
    func process(_ arguments: [String]) -> Process {
        let process = Process()
        process.executableURL = CommandLineUser.products.appendingPathComponent("millrace")
        process.arguments = arguments
        process.environment = ["MILLRACE_DATA": data]
        return process
    }

    func run(_ arguments: String..., input: String = "") throws -> Answer {
        try run(arguments, input: input)
    }

    func run(_ arguments: [String], input: String = "") throws -> Answer {
        let process = process(arguments)
        let pipes = (Pipe(), Pipe(), Pipe())
        process.standardInput = pipes.0
        process.standardOutput = pipes.1
        process.standardError = pipes.2
        try process.run()
        try pipes.0.fileHandleForWriting.write(contentsOf: Data(input.utf8))
        try pipes.0.fileHandleForWriting.close()
        let output = String(decoding: pipes.1.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let errors = String(decoding: pipes.2.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return Answer(status: process.terminationStatus, output: output, errors: errors)
    }
}
