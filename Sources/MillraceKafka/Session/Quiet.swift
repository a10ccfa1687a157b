/// What is known of a partition of which nothing comes: whether it is at its end, or records wait that should have come.
///
/// Times are nanoseconds of the monotonic clock.
struct Quiet {
    /// The end of a partition, as its leader says it.
    struct End: Equatable {
        /// Behind the last committed record.
        var committed: Int64
        /// Behind all that was written, in open transactions too; `nil` when that was not asked.
        var written: Int64?
    }

    /// What is wrong with it.
    enum Finding: Equatable {
        /// There are records up to `end`, and they do not come.
        case standsStill(end: Int64, nanoseconds: UInt64)
        /// What was written from the position on, up to `end`, is in transactions that are open.
        case isHeldBack(end: Int64, nanoseconds: UInt64)
    }

    /// How long what is waited for.
    struct Limits {
        /// How often a partition is looked at.
        var look: UInt64 = 1_000_000_000
        /// How long nothing has come when its end is asked for, and how long after an answer again.
        var question: UInt64 = 5_000_000_000
        /// How long there have to be records that do not come. Longer than a leader takes to change, and than a full answer to a fetch takes on a slow line.
        var patience: UInt64 = 15_000_000_000
        /// The longest, after it was doubled each time that what was done did not help.
        var longestPatience: UInt64 = 300_000_000_000
        /// How long a transaction of others is open before that is said. In most apps it is over by then: Kafka gives them up after a minute unless it is told otherwise.
        var heldBack: UInt64 = 30_000_000_000
    }

    private let limits: Limits
    private var position: Int64 = -1
    /// Nothing has come since; 0 before the first look.
    private var since: UInt64 = 0
    private var behindSince: UInt64?
    private var heldBackSince: UInt64?
    private var patience: UInt64
    private var untilHeldBack: UInt64

    init(_ limits: Limits = Limits()) {
        self.limits = limits
        patience = limits.patience
        untilHeldBack = limits.heldBack
    }

    /// Notes where reading is now.
    ///
    /// - Parameter waits: Whether all that came was taken, and more would be.
    mutating func look(at position: Int64, waits: Bool, now: UInt64) {
        if position != self.position {
            self = Quiet(limits)
            self.position = position
        }
        guard waits, since != 0 else { return (since, behindSince, heldBackSince) = (now, nil, nil) }
    }

    /// Whether nothing has come for so long that the end is to be asked for.
    func isQuiet(now: UInt64) -> Bool { since != 0 && now - since >= limits.question }

    /// Whether it is worth asking how far open transactions have come.
    func isLongQuiet(now: UInt64) -> Bool { since != 0 && now - since >= limits.heldBack }

    /// Takes the answer to a question that was asked at a position.
    ///
    /// - Returns: What is to be done something about, or to be told: not again before twice the time has passed.
    mutating func take(_ end: End, askedAt position: Int64, now: UInt64) -> Finding? {
        guard position == self.position, since != 0 else { return nil }
        guard end.committed <= position else {
            heldBackSince = nil
            guard let behindSince else {
                self.behindSince = now
                return nil
            }
            guard now - behindSince >= patience else { return nil }
            patience = min(patience * 2, limits.longestPatience)
            self.behindSince = nil
            return .standsStill(end: end.committed, nanoseconds: now - since)
        }
        behindSince = nil
        guard let written = end.written else { return nil }
        guard written > position else {
            heldBackSince = nil
            return nil
        }
        guard let heldBackSince else {
            self.heldBackSince = now
            return nil
        }
        guard now - heldBackSince >= untilHeldBack else { return nil }
        untilHeldBack *= 2
        return .isHeldBack(end: written, nanoseconds: now - heldBackSince)
    }
}
