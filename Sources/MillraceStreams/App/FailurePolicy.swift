import MillraceCore

/// What is done about a record that failed. Kafka: the exception handlers.
public enum FailurePolicy: Sendable, Equatable {
    /// The app stops with the error, and nothing after the last commit is kept: the record is met again at the next start. Kafka: `LogAndFail`.
    case stop
    /// The record is counted, logged at its first occurrence, and left out. Kafka: `LogAndContinue`.
    case skip
    /// As `skip`, and the record goes to this topic as it was read, with headers that say why, where and from which offset. The topic must exist when the app starts.
    ///
    /// Kafka: `errors.dead.letter.queue.topic.name`; the headers have Kafka's names.
    case deadLetter(topic: String)
}

/// The policy for each kind of failure.
///
/// Whatever happens to a record, the records around it are not touched, and what a policy does is committed together with the rest: a dead letter is neither lost nor sent twice.
public struct FailurePolicies: Sendable, Equatable {
    /// Bytes that a source's serde cannot read. Global tables skip where dead letters are asked for: every instance reads all of their topic, and each would send its own.
    public var deserialization = FailurePolicy.stop
    /// A closure, processor or punctuation that throws. What it, or operators before it, did for the record up to then stays, and operators beside it get the record. A row of a table
    /// that a closure refuses is no row to the tables behind: groups and joins let go of what it was, and its later updates count. A punctuation that is skipped is tried again when it
    /// is due the next time; since there is no record, there is no dead letter either. The same goes for what an operator had held back and fails when it is sent on (a suppressed change, a window that closes,
    /// a record that an outer join let wait): it alone is left out, and the record that made time pass is processed as ever.
    public var processing = FailurePolicy.stop
    /// A record that cannot be written to its topic, because a serde refuses it or it is too long. Other records made from the same input are written. The dead letter is the
    /// input record.
    public var production = FailurePolicy.stop
    /// Where input records go of which an operator left something out, by reason: `[.late: "late-payments"]`. They are counted in any case. One that is left out several times
    /// for one reason, as from several windows, goes there once. The topics must exist when the app starts.
    public var deadLettersOfDropped: [DropReason: String] = [:]
    /// What is done when the app fails nevertheless.
    public var restarts = RestartPolicy.never

    /// Policies that stop the app at the first failure, unless others are given.
    public init(
        deserialization: FailurePolicy = .stop, processing: FailurePolicy = .stop, production: FailurePolicy = .stop,
        deadLettersOfDropped: [DropReason: String] = [:], restarts: RestartPolicy = .never
    ) {
        self.deserialization = deserialization
        self.processing = processing
        self.production = production
        self.deadLettersOfDropped = deadLettersOfDropped
        self.restarts = restarts
    }

    func policy(for error: MillraceError) -> FailurePolicy {
        switch error.kind {
        case .serialization: deserialization
        case .processing: processing
        case .production: production
        default: .stop
        }
    }

    /// Where records go that were dropped for this reason. Those of failures have their own policies.
    func deadLetterTopic(for reason: DropReason) -> String? {
        deadLettersOfDropped.isEmpty ? nil : deadLettersOfDropped[reason]
    }

    /// The same policies, with records left out where dead letters are asked for.
    var withoutDeadLetters: FailurePolicies {
        func skipping(_ policy: FailurePolicy) -> FailurePolicy { policy == .stop ? .stop : .skip }
        return FailurePolicies(
            deserialization: skipping(deserialization), processing: skipping(processing), production: skipping(production))
    }

    /// All topics that records may be sent to.
    var deadLetterTopics: [String] {
        let ofFailures = [deserialization, processing, production].compactMap { policy in
            if case .deadLetter(let topic) = policy { topic } else { nil }
        }
        return Set(ofFailures + deadLettersOfDropped.values).sorted()
    }
}

/// Whether an app that failed goes on by itself from its last commit: the way to retry, since what was done after that commit is forgotten and done again, not done twice.
///
/// Kafka: `StreamsUncaughtExceptionHandler` with `REPLACE_THREAD`.
public struct RestartPolicy: Sendable, Equatable {
    /// How often in a row, without a record being committed in between.
    public var attempts: Int
    /// How long to wait before the first attempt; twice as long before each further one, up to a minute.
    public var backoff: Duration

    /// After failures that may pass: closures that threw, disks and topics that could not be reached, local state that is damaged, which is rebuilt. Wrong configurations, fenced
    /// sessions and damaged logs end the app at once.
    public init(attempts: Int, backoff: Duration = .seconds(1)) {
        self.attempts = attempts
        self.backoff = backoff
    }

    /// The first failure ends `run`.
    public static let never = RestartPolicy(attempts: 0)

    /// - Parameter stateIsDamaged: Whether damage of the local state came with it, which is rebuilt; a damaged log is not.
    func allows(_ error: any Error, attempt: Int, stateIsDamaged: Bool = false) -> Bool {
        guard attempt <= attempts, let error = error as? MillraceError else { return false }
        return stateIsDamaged || error.isRetriable || [.processing, .serialization, .production, .store, .transport].contains(error.kind)
    }

    func delay(before attempt: Int) -> Duration {
        .milliseconds(min(60_000, max(0, backoff.milliseconds) << Int64(min(attempt - 1, 16))))
    }
}
