import MillraceCore

/// What an app runs on: where its topics live, and where its state is kept.
///
/// `import Millrace` brings `.embedded(at:)`, the durable log inside the process; a cluster is another backend, and the app's code stays as it is.
public struct StreamsBackend: Sendable {
    /// Where topics live.
    public var transport: any Transport
    /// Opens the database of an app's persistent stores; called once for each run, with the application id, the bytes of memory that the
    /// database may take of the app's budget, and the app's logger.
    ///
    /// A database that is damaged is to be made anew, and said so: its stores are then rebuilt from their changelogs.
    public var openState: @Sendable (String, Int, MillraceLogger) throws -> any ByteStore
    /// The time of day and the time that only grows.
    public var clock: any WallClock
    /// Where threads come from; the system's when `nil`.
    package var threads: (any WorkThreads)?

    /// A backend of parts of your own; `import Millrace` brings `.embedded(at:)`.
    public init(
        transport: any Transport, clock: any WallClock, openState: @escaping @Sendable (String, Int, MillraceLogger) throws -> any ByteStore
    ) {
        self.transport = transport
        self.openState = openState
        self.clock = clock
    }
}
