import MillraceCore

/// What is done with the local state now and then, beside the workers: it is brought to disk, and what nobody has used for long is removed.
final class StateUpkeep {
    /// Holds the task whose state is being removed. Workers have numbers from 0.
    private static let cleaner = -1

    private let app: AppRun
    /// Of the stores that the program has, the subtopologies.
    private let subtopologies: [String: Int]

    init(_ app: AppRun) {
        self.app = app
        var subtopologies: [String: Int] = [:]
        for subtopology in app.topology.subtopologies {
            for store in subtopology.stores { subtopologies[store.stateName] = subtopology.id }
        }
        self.subtopologies = subtopologies
    }

    func run() throws {
        try removeUnused()
        // So that a crash costs a short replay even where little is written.
        try app.state.database.flush()
    }

    /// Removes the rows of tasks that have been elsewhere for long, and of stores that the program has no more.
    func removeUnused() throws {
        let now = app.backend.clock.now()
        for place in try app.state.places() {
            let task = subtopologies[place.store].map { TaskID(subtopology: $0, partition: place.partition) }
            if let task, app.claims.isHeld(task) { continue }
            guard let since = try app.state.unusedSince(place.backing), since <= now else {
                try app.state.noteUnused(place.backing, since: now)
                continue
            }
            guard since.milliseconds.addingClamped(app.configuration.stateCleanupDelay.milliseconds) <= now.milliseconds else { continue }
            // Whoever takes the task up meanwhile has to wait.
            if let task, !app.claims.claim(task, by: Self.cleaner) { continue }
            defer { if let task { app.claims.release(task, by: Self.cleaner) } }
            try app.state.remove(place.store, place.partition, place.backing)
            app.configuration.logger.log(
                .info, "Local state that nobody has used for long is removed", ("store", place.store), ("partition", "\(place.partition)"),
                ("reason", task == nil ? "the program has no such store any more" : "the task runs elsewhere"))
        }
    }
}
