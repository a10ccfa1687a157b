import MillraceSimulator
import Testing

/// Apps on a machine on which everything goes wrong, from seeds. More of them: `swift run -c release millrace-simulate --seeds 2000`.
@Suite(.serialized) struct SimulationTests {
    @Test(arguments: 0..<8 as Range<UInt64>)
    func whateverHappensTheOutcomeIsTheSame(_ part: UInt64) {
        for seed in part * 25 + 1...part * 25 + 25 {
            let report = Simulation(seed: seed).run()
            #expect(report.faults.isEmpty, "\(report)")
        }
    }

    /// One kind of fault in each life. More of them: `swift run -c release millrace-simulate --fault NAME --seeds 50`.
    @Test(arguments: Fault.allCases)
    func faultsOfOneKind(_ fault: Fault) {
        for seed in 1...6 as ClosedRange<UInt64> {
            let report = Simulation(seed: seed, fault: fault).run()
            #expect(report.faults.isEmpty, "\(report)")
        }
    }

    @Test(arguments: Simulation.workloads)
    func theSameSeedGivesTheSameBytes(_ workload: String) {
        let first = Simulation(seed: 7, workload: workload).run()
        let second = Simulation(seed: 7, workload: workload).run()
        #expect(first.digest == second.digest)
        #expect(first.calls == second.calls)
        #expect(Simulation(seed: 8, workload: workload).run().digest != first.digest)
    }

    /// A simulation that does not find what is put in on purpose finds nothing.
    @Test(arguments: Canary.allCases)
    func canariesAreFound(_ canary: Canary) {
        let found = (1...40 as ClosedRange<UInt64>).first { !Simulation(seed: $0, canary: canary).run().faults.isEmpty }
        #expect(found != nil)
    }

    /// Each failing seed says how to see it again.
    @Test func aReportNamesItsCommand() {
        let report = Simulation(seed: 3, workload: "words").run()
        #expect(report.description.contains("swift run millrace-simulate --seed 3 --workload words"))
    }
}

/// The power fails at every call of a run; here at some of them. All: `swift run -c release millrace-simulate --crash-sweep`.
@Suite(.serialized) struct CrashSweepTests {
    @Test(arguments: ["words", "windows", "join-of-streams", "join-of-tables", "timers"])
    func aCrashAtACallChangesNothing(_ workload: String) throws {
        let sweep = try #require(try CrashSweep(workload: workload, inputs: 100))
        for (number, call) in stride(from: 1, through: sweep.calls(), by: 37).enumerated() {
            let report = sweep.run(failingAt: call, SimulatedFileSystem.Fate.allCases[number % 3])
            #expect(report.faults.isEmpty, "\(report)")
        }
    }
}
