import MillraceCore

/// A node whose results come later: it takes records in and sends their results on when the worker asks it to.
protocol AsyncStage: AnyObject {
    /// Records whose results were not sent on yet.
    var pendingCount: Int { get }
    /// Whether a call is at work, as against waiting to be made again.
    var isWorking: Bool { get }
    /// Whether no more records should come in.
    var isFull: Bool { get }
    /// When to look at it next even without an answer; `nil` when only an answer can change anything.
    var nextDeadline: UInt64? { get }

    /// Sends on the results that are there, and makes those calls again whose time has come.
    ///
    /// - Returns: Whether any result, or failure, was dealt with.
    func deliver() throws -> Bool

    /// Gives up everything.
    func cancel()
}

extension TaskContext {
    /// Whether results are still to come. Nothing may be committed then: what was done before a call would be kept, and the record not.
    package var hasCalls: Bool { stages.contains { $0.pendingCount > 0 } }

    /// To be called by a stage that has become full, or is no more, and when a punctuation has to wait.
    func noteRoom() {
        isFull = stages.contains(where: \.isFull) || (isPunctuationDue && hasCalls)
    }

    /// Whether a punctuation by stream time is due. It comes behind the results of the records up to then, as it does where nothing is asynchronous, and before further records.
    var isPunctuationDue: Bool { streamTimePunctuations.nextTime.map { $0 <= streamTime.milliseconds } ?? false }
}

extension StreamTask {
    /// Whether any of its nodes makes asynchronous calls.
    var hasStages: Bool { !context.stages.isEmpty }

    /// When a call is to be looked at even without an answer.
    package var nextCallDeadline: UInt64? { context.stages.compactMap(\.nextDeadline).min() }

    /// Whether a call is at work.
    package var isWorking: Bool { context.stages.contains(where: \.isWorking) }

    /// Sends on the results of calls that are there.
    ///
    /// - Returns: Whether there were any.
    package func deliver() throws -> Bool {
        var hasDelivered = false
        for stage in context.stages where stage.pendingCount > 0 {
            if try stage.deliver() { hasDelivered = true }
        }
        if !context.hasCalls, context.isPunctuationDue { _ = try punctuateStreamTime() }
        if context.isFull { context.noteRoom() }
        return hasDelivered
    }
}
