import MillraceLog

/// A fault that is to happen in each simulation, besides what the seed draws.
public enum Fault: String, Sendable, CaseIterable {
    /// The disk has no space left for a while.
    case diskFull
    /// A sync of a file fails.
    case syncFails
    /// Calls to the disk take up to half a minute.
    case slowDisk
    /// No file can be opened for a while.
    case noFileHandles
    /// The time of day jumps by hours, forwards and backwards.
    case clockJumps
    /// The state database is damaged while the app runs.
    case stateDamaged

    /// Puts it into a life, at a moment that the seed says.
    func put(into life: inout SimulationPlan.Life, _ random: inout SeededNumbers) {
        func soon(_ limit: Int) -> Duration { .milliseconds(Int64(random.below(limit))) }
        life.end = .byItself
        switch self {
        case .diskFull:
            life.troubles = [
                .init(delay: soon(40), kind: .diskFull(bytesLeft: random.below(3000))), .init(delay: soon(400), kind: .diskHasSpace),
            ]
        case .syncFails: life.troubles = [.init(delay: soon(60), kind: .syncFails)]
        case .slowDisk: life.stalls = .init(oneIn: 10 + random.below(40), longest: .seconds(30))
        case .noFileHandles:
            life.troubles = [.init(delay: soon(40), kind: .noFileHandles), .init(delay: soon(400), kind: .fileHandles)]
        case .clockJumps:
            life.troubles = (0..<4).map { _ in .init(delay: soon(20), kind: .clock(Int64(random.below(25) - 12) * 3_600_000)) }
        case .stateDamaged: life.troubles = [.init(delay: soon(60), kind: .databaseDamaged)]
        }
    }
}
