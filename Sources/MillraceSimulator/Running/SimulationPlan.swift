import MillraceCore
import MillraceLog

/// What happens in a simulation: all of it drawn from a seed, or put together by a test.
struct SimulationPlan: Sendable {
    var seed: UInt64
    var workload: Workload
    var partitions: Int32
    var inputs: Int
    var durability = Durability.onCommit
    /// The lives of the process that are disturbed; one that is not follows.
    var lives: [Life]
    var segmentBytes = 4000
    /// The input is appended in commits of up to so many records.
    var importBatch = 12
    var memoryBudget = 1 << 20
    var commitInterval = Duration.milliseconds(10)
    var canary: Canary?

    /// How a life of the process ends, if not by itself.
    enum End: Sendable {
        /// Everything is done, or the app has failed.
        case byItself
        /// The power fails at this call to the disk.
        case powerFails(atCall: Int, SimulatedFileSystem.Fate)
        /// The process is killed at this call to the disk.
        case killed(atCall: Int)
        /// It is told to stop after this time.
        case shutDown(after: Duration)
        /// It is told to abandon what it does after this time, as when the Swift task is cancelled.
        case abandoned(after: Duration)
    }

    /// A life of the process.
    struct Life: Sendable {
        var end = End.byItself
        var threads = 1
        /// How often the app starts again by itself when it failed.
        var restarts = 0
        var stalls = SimulatedMachine.Stalls()
        var throwsOneIn = 0
        var troubles: [Trouble] = []
        /// Before it starts.
        var loss = Loss.none
    }

    /// Something that happens while the process runs, after a time.
    struct Trouble: Sendable {
        var delay: Duration
        var kind: Kind

        enum Kind: Sendable {
            case diskFull(bytesLeft: Int), diskHasSpace
            case noFileHandles, fileHandles
            case syncFails
            /// The time of day jumps to this many milliseconds from where it began.
            case clock(Int64)
            case databaseDamaged
            case flush
        }
    }

    /// What happens to the state between two lives.
    enum Loss: Sendable { case none, removed, damaged }
}

extension SimulationPlan {
    /// What the seed says.
    init(seed: UInt64, workload: Workload? = nil, canary: Canary? = nil, fault: Fault? = nil) {
        var random = SeededNumbers(seed, stream: 1)
        let drawn = Workload.all[random.below(Workload.all.count)]
        let inputs = 40 + random.below(120)
        self.init(
            seed: seed, workload: workload ?? drawn, partitions: Int32(1 + random.below(3)), inputs: inputs,
            durability: [.onCommit, .onCommit, .system, .interval(.milliseconds(50))][random.below(4)],
            lives: (0..<1 + random.below(4)).map { _ in Life(&random) },
            segmentBytes: [1500, 4000, 1 << 20][random.below(3)], memoryBudget: [2048, 16_384, 1 << 20][random.below(3)],
            commitInterval: [.zero, .milliseconds(5), .milliseconds(100)][random.below(3)], canary: canary)
        if let fault {
            for index in lives.indices { fault.put(into: &lives[index], &random) }
        }
        guard canary == .journalNotSynced || canary == .stateBatchTorn else { return }
        // These show at a failure of power only.
        durability = .onCommit
        for index in lives.indices { lives[index].end = .powerFails(atCall: 100 + random.below(300), .lost) }
    }
}

extension SimulationPlan.Life {
    fileprivate init(_ random: inout SeededNumbers) {
        threads = 1 + random.below(3)
        restarts = random.oneIn(3) ? 3 : 0
        if random.oneIn(4) {
            stalls = .init(oneIn: 20 + random.below(100), longest: [.milliseconds(10), .seconds(1), .seconds(30)][random.below(3)])
        }
        if random.oneIn(3) { throwsOneIn = 20 + random.below(200) }
        let call = 1 + random.below(random.oneIn(3) ? 1200 : 400)
        switch random.below(8) {
        case 0...2: end = .powerFails(atCall: call, SimulatedFileSystem.Fate.allCases[random.below(3)])
        case 3...4: end = .killed(atCall: call)
        case 5: end = .shutDown(after: .milliseconds(Int64(random.below(100))))
        case 6: end = .abandoned(after: .milliseconds(Int64(random.below(100))))
        default: break
        }
        for _ in 0..<random.below(4) {
            let delay = Duration.milliseconds(Int64(random.below(60)))
            switch random.below(8) {
            case 0:
                troubles += [
                    .init(delay: delay, kind: .diskFull(bytesLeft: random.below(3000))),
                    .init(delay: .milliseconds(Int64(random.below(400))), kind: .diskHasSpace),
                ]
            case 1:
                troubles += [
                    .init(delay: delay, kind: .noFileHandles), .init(delay: .milliseconds(Int64(random.below(300))), kind: .fileHandles),
                ]
            case 2: troubles.append(.init(delay: delay, kind: .syncFails))
            case 3...4:
                troubles.append(
                    .init(delay: delay, kind: .clock(Int64(random.below(24) - 12) * 3_600_000 + Int64(random.below(3_600_000)))))
            case 5: troubles.append(.init(delay: delay, kind: .databaseDamaged))
            default: troubles.append(.init(delay: delay, kind: .flush))
            }
        }
        if random.oneIn(6) { loss = random.oneIn(2) ? .removed : .damaged }
    }
}
