/// What came out of a simulation.
public struct SimulationReport: Sendable, CustomStringConvertible {
    /// What was not as it must be; empty when all was well.
    public internal(set) var faults: [String] = []
    /// Stands for all bytes that were written, in their order.
    public internal(set) var digest: UInt64 = 0
    /// The calls to the disk in each life.
    public internal(set) var calls: [Int] = []
    /// What the app and the log said in each life.
    public internal(set) var said: [[String]] = []
    var isComplete = false
    private let seed: UInt64
    private let workload: String
    private let lives: String

    init(_ plan: SimulationPlan, _ options: String) {
        seed = plan.seed
        workload = plan.workload.name
        command = Self.command(plan, options)
        let text =
            "\(plan.inputs) inputs, \(plan.partitions) partitions, durability \(plan.durability), segments of \(plan.segmentBytes) bytes, memory \(plan.memoryBudget), commits every \(plan.commitInterval)"
            + plan.lives.enumerated().map { "\nLife \($0): \($1)" }.joined()
        lives = ["MillraceSimulator.", "SimulationPlan.", "SimulatedMachine.", "SimulatedFileSystem."].reduce(text) {
            $0.replacing($1, with: "")
        }
    }

    /// How to see it again.
    public internal(set) var command: String

    private static func command(_ plan: SimulationPlan, _ options: String) -> String {
        "swift run millrace-simulate --seed \(plan.seed) --workload \(plan.workload.name)\(options)"
    }

    public var description: String {
        "Seed \(seed), \(workload), bytes \(String(digest, radix: 16)): \(faults.isEmpty ? "as it must be" : faults.joined(separator: "\n  "))\nAgain: \(command) --verbose"
    }

    /// All that was drawn and said.
    public var details: String {
        lives + "\n"
            + said.enumerated().map { "Life \($0), \(calls[$0]) calls:\n" + $1.map { "  \($0)\n" }.joined() }.joined()
    }
}
