import Foundation
import MillraceCommandLine
import MillraceSimulator

/// Runs many simulations, or one again.
@main
struct Simulate {
    static let table = CommandLineTable(
        name: "millrace-simulate", summary: "Runs apps on a simulated machine on which everything goes wrong, and compares what comes out.",
        options: [
            .init("seed", value: "N", "The seed to run, or the first of several; 1 when left out."),
            .init("seeds", value: "N", "How many seeds; 1 when left out."),
            .init("workload", value: "NAME", "The workload instead of the one drawn: \(Simulation.workloads.joined(separator: ", "))."),
            .init("canary", value: "NAME", "A fault to put in: \(Canary.allCases.map(\.rawValue).joined(separator: ", "))."),
            .init("fault", value: "NAME", "What is to happen in each life: \(Fault.allCases.map(\.rawValue).joined(separator: ", "))."),
            .init("crash-sweep", "Instead of seeds: let the power fail at every call of a run, of one workload or of all."),
            .init("crash-at", value: "N", "Of such a run only this call."),
            .init("every", value: "N", "Of such a run only each Nth call."),
            .init("fate", value: "NAME", "What becomes of what was not synced: lost, kept or torn; each of them when left out."),
            .init("inputs", value: "N", "The records of such a run; 500 when left out."),
            .init("verbose", "Tell what was drawn and what was said."),
        ])

    static func main() {
        do {
            let arguments = try table.parse(CommandLine.arguments.dropFirst())
            if arguments.has("help") { return print(table.help) }
            if let name = arguments["workload"], !Simulation.workloads.contains(name) {
                throw CommandLineError("There is no workload \(name). There are: \(Simulation.workloads.joined(separator: ", ")).")
            }
            let isSweep = arguments.has("crash-sweep") || arguments.has("crash-at")
            let failed = try isSweep ? sweep(arguments) : seeds(arguments)
            exit(failed == 0 ? 0 : 1)
        } catch {
            FileHandle.standardError.write(Data("millrace-simulate: \(error)\n".utf8))
            exit(2)
        }
    }

    private static func seeds(_ arguments: ParsedArguments) throws -> Int {
        let first = UInt64(try arguments.integer("seed", in: 0...Int.max) ?? 1)
        let count = UInt64(try arguments.integer("seeds", in: 1...1_000_000_000) ?? 1)
        let canary = try arguments["canary"].map { name in
            guard let canary = Canary(rawValue: name) else { throw CommandLineError("There is no canary \(name). See --help.") }
            return canary
        }
        let fault = try arguments["fault"].map { name in
            guard let fault = Fault(rawValue: name) else { throw CommandLineError("There is no fault \(name). See --help.") }
            return fault
        }
        var failed = 0
        var calls = 0
        for seed in first..<first + count {
            let report = Simulation(seed: seed, workload: arguments["workload"], canary: canary, fault: fault).run()
            calls += report.calls.reduce(0, +)
            failed += tell(report, arguments, always: count == 1)
        }
        print("\(count) simulations with \(calls) calls to the disk, \(failed) with faults.")
        return failed
    }

    private static func sweep(_ arguments: ParsedArguments) throws -> Int {
        let inputs = try arguments.integer("inputs", in: 1...1_000_000) ?? 500
        let fates = SimulatedFileSystem.Fate.allCases.filter { arguments["fate"] == nil || arguments["fate"] == "\($0)" }
        var failed = 0
        var points = 0
        for workload in arguments["workload"].map({ [$0] }) ?? Simulation.workloads {
            guard let sweep = try CrashSweep(workload: workload, inputs: inputs) else { continue }
            let calls = sweep.calls()
            let every = try arguments.integer("every", in: 1...1_000_000) ?? 1
            let numbers =
                try arguments.integer("crash-at", in: 1...Int.max).map { [$0] } ?? Array(stride(from: 1, through: calls, by: every))
            for call in numbers {
                for fate in fates {
                    failed += tell(sweep.run(failingAt: call, fate), arguments, always: numbers.count == 1)
                    points += 1
                }
            }
            print("\(workload): \(calls) calls, \(numbers.count) points.")
            fflush(nil)
        }
        print("\(points) crashes, \(failed) with faults.")
        return failed
    }

    private static func tell(_ report: SimulationReport, _ arguments: ParsedArguments, always: Bool) -> Int {
        if arguments.has("verbose") { print(report.details) }
        if !report.faults.isEmpty || always { print(report) }
        return report.faults.isEmpty ? 0 : 1
    }
}
