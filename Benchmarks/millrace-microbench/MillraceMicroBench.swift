import CCounters
import Foundation
import MillraceCommandLine
import MillraceCore

/// Counts instructions and allocations of the hot parts. `make check-benchmarks` runs it under callgrind and compares with `Benchmarks/limits`.
///
/// Deliberately without `async`: valgrind does not get to the end of programs that hand their main thread to libdispatch.
@main
struct MillraceMicroBench {
    static let table = CommandLineTable(
        name: "millrace-microbench",
        summary: "Runs each hot part by itself and prints its name, the number of operations, and how often they asked for memory.",
        operands: "[NAME ...]",
        options: [],
        footer:
            "Under valgrind --tool=callgrind --instr-atstart=no it writes the instructions of each part too. With names, only those run.")

    static func main() {
        do {
            let arguments = try table.parse(CommandLine.arguments.dropFirst())
            if arguments.has("help") { return print(table.help, terminator: "") }
            let names = Set(arguments.operands)
            let directory = NSTemporaryDirectory() + "millrace-microbench-\(ProcessInfo.processInfo.processIdentifier)"
            defer { try? FileManager.default.removeItem(atPath: directory) }
            let all = SerdeBenchmarks.all + StoreBenchmarks.all + BatchBenchmarks.all + TaskBenchmarks.all() + OperatorBenchmarks.all
            for benchmark in all + LogBenchmarks.all(in: directory) where names.isEmpty || names.contains(benchmark.name) {
                print(benchmark.name, benchmark.operations, try benchmark.count())
            }
        } catch {
            FileHandle.standardError.write(Data("millrace-microbench: \((error as? MillraceError)?.message ?? "\(error)")\n".utf8))
            exit(error is CommandLineError ? 2 : 1)
        }
    }
}
