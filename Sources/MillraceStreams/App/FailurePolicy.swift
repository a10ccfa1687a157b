import MillraceCore

/// What is done about a record that failed. Kafka: the exception handlers.
public enum FailurePolicy: Sendable, Equatable {
    /// The app stops with the error, and nothing after the last commit is kept: the record is met again at the next start. Kafka: `LogAndFail`.
    case stop
    /// The record is counted, logged at its first occurrence, and left out. Kafka: `LogAndContinue`.
    case skip
    /// As `skip`, and the record goes to this topic as it was read, with headers that say why, where and from which offset. The topic must exist.
    ///
    /// Kafka: `errors.dead.letter.queue.topic.name`; the headers have Kafka's names.
    case deadLetter(topic: String)
}

/// The policy for each kind of failure.
public struct FailurePolicies: Sendable, Equatable {
    /// Bytes that a source's serde cannot read.
    public var deserialization = FailurePolicy.stop
    /// A closure or processor that throws. What it, or operators before it, did for the record up to then stays.
    public var processing = FailurePolicy.stop

    /// Policies that stop the app at the first failure, unless others are given.
    public init(deserialization: FailurePolicy = .stop, processing: FailurePolicy = .stop) {
        self.deserialization = deserialization
        self.processing = processing
    }

    func policy(for error: MillraceError) -> FailurePolicy {
        switch error.kind {
        case .serialization: deserialization
        case .processing: processing
        default: .stop
        }
    }
}
