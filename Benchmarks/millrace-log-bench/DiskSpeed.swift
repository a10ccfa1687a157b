import Foundation
import MillraceCommandLine
import MillraceCore
import MillraceLog

/// What the disk takes when a file is simply written from start to end: the measure of appending.
enum DiskSpeed {
    static let command = CommandTree.Branch.command(
        "disk",
        CommandLineTable(
            name: "millrace-log-bench disk",
            summary: "Writes a file sequentially, 1 MiB at a time, with a sync each second and one at the end, as the log does.",
            operands: "DIR", options: [.init("megabytes", value: "N", "Default: 1000.")]), run)

    @Sendable private static func run(_ arguments: ParsedArguments) throws {
        let megabytes = try arguments.integer("megabytes", in: 1...1_000_000) ?? 1000
        let directory = try LogBench.directory(arguments)
        let files = POSIXFileSystem()
        try files.makeDirectory(directory)
        let path = directory + "/sequential"
        let block = [UInt8](repeating: 0x61, count: 1 << 20)
        let measurement = Measurement()
        let file = try files.open(path, writable: true)
        let syncing = Syncing(file)
        syncing.start()
        for number in 0..<megabytes { try block.withUnsafeBytes { try file.write($0, at: number << 20) } }
        syncing.stop()
        try file.sync()
        measurement.report("disk", bytes: megabytes << 20)
        try files.remove(path)
    }
}

/// Syncs a file each second, beside the thread that writes it.
private final class Syncing: @unchecked Sendable {
    private let file: any File
    private let stopped = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)

    init(_ file: any File) { self.file = file }

    func start() {
        Thread.detachNewThread { [self] in
            while stopped.wait(timeout: .now() + 1) == .timedOut {
                do { try file.sync() } catch { print("disk failed: \(error)") }
            }
            ended.signal()
        }
    }

    func stop() {
        stopped.signal()
        ended.wait()
    }
}
