import MillraceCore

/// A fault that is put in on purpose and must be found, so that a simulation that finds nothing means something.
public enum Canary: String, Sendable, CaseIterable {
    /// One commit in a while moves an input offset one too far.
    case offsetTooFar
    /// One commit in a while leaves its input offsets out.
    case offsetForgotten
    /// The journal of the log is never synced.
    case journalNotSynced
    /// A crash leaves half a batch in the state database: the position without the rows that it stands for.
    case stateBatchTorn

    func offsets(_ offsets: [TopicPartition: CommittedOffset], commit: Int) -> [TopicPartition: CommittedOffset] {
        guard commit % 7 == 3 else { return offsets }
        switch self {
        case .offsetTooFar: return offsets.mapValues { CommittedOffset($0.offset + 1, metadata: $0.metadata) }
        case .offsetForgotten: return [:]
        default: return offsets
        }
    }
}
