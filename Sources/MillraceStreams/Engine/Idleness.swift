import MillraceCore

/// Which tasks have had nothing to read for how long, and what time it is for them: `StreamsBuilder.idleness`.
///
/// Measured by a clock that only grows: the time of day may jump.
package struct Idleness {
    /// In nanoseconds; `nil` when time is to stand still.
    private let limit: UInt64?
    private var silences: [TaskID: Silence] = [:]

    private struct Silence {
        /// When the last record was processed, or reading began.
        var since: UInt64
        /// Stream time then.
        let streamTime: Timestamp
        /// When to look next.
        var nextLook: UInt64
    }

    /// - Parameter limit: In milliseconds.
    package init(limit: Int64?) {
        self.limit = limit.map { UInt64(min(max(1, $0), 1 << 40)) * 1_000_000 }
    }

    /// Lets time go on in a task that has been silent for long enough.
    ///
    /// - Parameters:
    ///   - hasWorked: Whether it processed a record in this round.
    ///   - now: In nanoseconds.
    ///   - hasReadAll: Asked when it would be time: whether the topics of the task hold nothing that was not processed.
    /// - Returns: Whether time went on.
    package mutating func look(at task: StreamTask, hasWorked: Bool, now: UInt64, hasReadAll: () throws -> Bool) throws -> Bool {
        guard let limit else { return false }
        guard !hasWorked, let silence = silences[task.id] else {
            silences[task.id] = Silence(since: now, streamTime: task.context.streamTime, nextLook: now &+ limit)
            return false
        }
        guard now >= silence.nextLook else { return false }
        silences[task.id]?.nextLook = now &+ min(limit, 1_000_000_000)
        guard try hasReadAll() else {
            silences[task.id] = nil
            return false
        }
        return try task.passTime(to: silence.streamTime.advanced(byMilliseconds: Int64((now - silence.since) / 1_000_000)))
    }

    /// Begins anew, as after a pause.
    mutating func forget() {
        silences = [:]
    }

    /// Begins anew for one task, or forgets one that is gone.
    mutating func forget(_ task: TaskID) {
        if limit != nil { silences[task] = nil }
    }

    /// Milliseconds until a task is to be looked at; `nil` when there is none.
    func timeLeft(now: UInt64) -> Int64? {
        silences.values.map(\.nextLook).min().map { $0 <= now ? 0 : Int64(($0 - now) / 1_000_000) + 1 }
    }
}
