import Millrace
import Synchronization

/// How far the two halves of an example are: the thread that reads the input, and the app that processes it.
final class ImportedWork: Sendable {
    private struct State {
        var importHasEnded = false
        var appHasEnded = false
        var failure: (any Error)?
        var line = ProgressLine()
    }

    private let state = Mutex(State())

    func show(records: Int, share: Double?) {
        state.withLock { if !$0.appHasEnded { $0.line.show(records: records, share: share) } }
    }

    /// Tells how far the restoring of a store is.
    func tell(_ restore: RestoreProgress) {
        var text = "Restoring \(restore.store) of task \(restore.task): \(restore.restored) of \(restore.total) records"
        text += ", \(Int(restore.recordsPerSecond)) a second"
        if let left = restore.timeLeft { text += ", \(left.components.seconds) s left" }
        if let reason = restore.reason { text += " (\(reason))" }
        state.withLock { $0.line.say(text) }
    }

    func importEnded(_ failure: (any Error)?) {
        state.withLock { state in
            state.importHasEnded = true
            state.failure = failure
        }
    }

    func appEnded() {
        state.withLock { state in
            state.appHasEnded = true
            state.line.finish()
        }
    }

    var appHasEnded: Bool { state.withLock { $0.appHasEnded } }

    /// Whether all of the input was read.
    ///
    /// - Throws: What reading it threw.
    func importIsComplete() throws -> Bool {
        try state.withLock { state in
            if let failure = state.failure { throw failure }
            return state.importHasEnded
        }
    }
}
