import MillraceLog

/// The power fails at one call to the disk after the other, of a run that nothing else disturbs; the next process must bring it to the same end.
public struct CrashSweep: Sendable {
    private let workload: Workload
    private let inputs: Int
    private let expected: [String: Workload.Lists]

    /// - Parameter workload: The name of a workload.
    /// - Throws: What the workload's reference throws.
    /// - Returns: `nil` when there is none of that name.
    public init?(workload: String, inputs: Int = 500) throws {
        guard let workload = Workload.named(workload) else { return nil }
        self.workload = workload
        self.inputs = inputs
        expected = try Simulation(Self.plan(workload, inputs, nil)).expectedOutputs()
    }

    /// How many calls the run makes: the power can fail at each of them.
    public func calls() -> Int {
        Simulation(Self.plan(workload, inputs, nil), expected: expected).run().calls.first ?? 0
    }

    /// Lets the power fail at a call, and compares what comes out in the end.
    public func run(failingAt call: Int, _ fate: SimulatedFileSystem.Fate) -> SimulationReport {
        var report = Simulation(Self.plan(workload, inputs, (call, fate)), expected: expected).run()
        report.command = "swift run millrace-simulate --crash-at \(call) --fate \(fate) --workload \(workload.name) --inputs \(inputs)"
        return report
    }

    private static func plan(_ workload: Workload, _ inputs: Int, _ crash: (call: Int, fate: SimulatedFileSystem.Fate)?)
        -> SimulationPlan
    {
        SimulationPlan(
            seed: 1, workload: workload, partitions: 1, inputs: inputs, durability: .onCommit,
            lives: [SimulationPlan.Life(end: crash.map { .powerFails(atCall: $0.call, $0.fate) } ?? .byItself)],
            segmentBytes: 8000, importBatch: 60, commitInterval: .milliseconds(10))
    }
}
