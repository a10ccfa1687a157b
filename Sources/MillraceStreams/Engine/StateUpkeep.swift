import MillraceCore

/// What is done with the local state now and then, beside the workers.
struct StateUpkeep {
    private let app: AppRun

    init(_ app: AppRun) {
        self.app = app
    }

    /// Brings the state to disk, so that a crash costs a short replay even where little is written.
    func run() throws {
        try app.state.database.flush()
    }
}
