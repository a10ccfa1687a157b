import MillraceCore
import MillraceLog

/// An app on a log, in one process after the other, on a machine on which what can go wrong goes wrong, as a seed says; and what must come out of it all the same.
///
///     let report = Simulation(seed: 17).run()
///     print(report.faults.isEmpty ? "as it should be" : report.description)
///
/// Engine, log and stores are those of production. Files, database, clock and the order of threads are simulated, so that the same seed gives the same bytes.
public struct Simulation: Sendable {
    let plan: SimulationPlan
    /// What comes out of a run of the same input, where that is known already.
    private let expected: [String: Workload.Lists]?
    /// What the command needs to see it again, besides seed and workload.
    private let options: String

    /// - Parameters:
    ///   - workload: The name of a workload; drawn from the seed as well when `nil`.
    ///   - canary: A fault to be put in that the simulation must find.
    ///   - fault: What is to happen in each life of the process.
    public init(seed: UInt64, workload: String? = nil, canary: Canary? = nil, fault: Fault? = nil) {
        plan = SimulationPlan(seed: seed, workload: workload.flatMap(Workload.named), canary: canary, fault: fault)
        expected = nil
        options = (canary.map { " --canary \($0.rawValue)" } ?? "") + (fault.map { " --fault \($0.rawValue)" } ?? "")
    }

    init(_ plan: SimulationPlan, expected: [String: Workload.Lists]? = nil) {
        self.plan = plan
        self.expected = expected
        options = ""
    }

    /// The names of all workloads.
    public static var workloads: [String] { Workload.all.map(\.name) }

    private func inputs() -> [SimulatedInput] {
        var random = SeededNumbers(plan.seed, stream: 13)
        return plan.workload.inputs(&random, count: plan.inputs, partitions: plan.partitions)
    }

    func expectedOutputs() throws -> [String: Workload.Lists] { try plan.workload.expected(inputs()) }

    /// Runs it to its end and compares.
    public func run() -> SimulationReport {
        var random = SeededNumbers(plan.seed, stream: 2)
        let inputs = inputs()
        var report = SimulationReport(plan, options)
        var disk = SimulatedFileSystem(seed: plan.seed)
        if plan.canary == .journalNotSynced { disk.forgetSyncs { $0.hasSuffix("journal") || $0.hasSuffix("journal.new") } }
        let database = SimulatedDatabase()
        let clock = SimulatedClock(start: Workload.startOfTime)
        let promises = Promises()
        do {
            for (number, life) in plan.lives.enumerated() {
                switch life.loss {
                case .none: break
                case .removed: database.removeAll()
                case .damaged: database.isDamaged = true
                }
                lead(life, number, inputs, promises, disk, database, clock, &report)
                disk = try goOn(after: life, disk, database, promises, &random)
                if report.isComplete { break }
            }
            // Nothing disturbs this one. It runs even when all is done: starting again must change nothing.
            clock.setTimeOfDay(to: Workload.startOfTime)
            report.isComplete = false
            lead(SimulationPlan.Life(threads: 2), plan.lives.count, inputs, promises, disk, database, clock, &report)
            guard report.isComplete else {
                report.faults.append("The app did not do its work when nothing disturbed it any more.")
                return report
            }
            try Checker(plan, disk, database, expected: try expected ?? plan.workload.expected(inputs)).check(inputs, &report)
        } catch {
            report.faults.append("The check failed: \(error)")
        }
        report.digest = disk.digest
        return report
    }

    private func lead(
        _ life: SimulationPlan.Life, _ number: Int, _ inputs: [SimulatedInput], _ promises: Promises, _ disk: SimulatedFileSystem,
        _ database: SimulatedDatabase, _ clock: SimulatedClock, _ report: inout SimulationReport
    ) {
        let before = disk.calls
        switch life.end {
        case .powerFails(let call, _), .killed(let call): disk.crash(atCall: before + call)
        default: break
        }
        let machine = SimulatedMachine(
            disk: disk, database: database, clock: clock, seed: plan.seed &+ UInt64(number) &* 1000, stalls: life.stalls,
            throwsOneIn: life.throwsOneIn)
        let app = SimulatedApp(plan, life, inputs, promises, on: machine)
        report.isComplete = app.live()
        report.faults += app.brokenPromises.withLock { $0 }
        report.calls.append(disk.calls - before)
        report.said.append(app.journal.withLock { $0 })
        if report.said.last?.contains(where: { $0.contains(SimulatedMachine.endlessMessage) }) ?? false {
            report.faults.append("Life \(number) did not come to an end.")
        }
    }

    /// The disk as the next process finds it.
    private func goOn(
        after life: SimulationPlan.Life, _ disk: SimulatedFileSystem, _ database: SimulatedDatabase, _ promises: Promises,
        _ random: inout SeededNumbers
    ) throws -> SimulatedFileSystem {
        disk.setSpace(.max)
        disk.refuseToOpen(false)
        let seed = random.next()
        if disk.hasCrashed { try database.crash(&random, tearsBatch: plan.canary == .stateBatchTorn) }
        if case .powerFails(_, let fate) = life.end, disk.hasCrashed {
            if fate != .kept, plan.durability != .onCommit { promises.forget() }
            return disk.afterCrash(fate, seed: seed)
        }
        // A failed sync leaves the disk's content open: only a start of the machine settles it.
        if disk.hasFailedToSync {
            if plan.durability != .onCommit { promises.forget() }
            return disk.afterCrash(.torn, seed: seed)
        }
        disk.restartProcess()
        return disk
    }
}
