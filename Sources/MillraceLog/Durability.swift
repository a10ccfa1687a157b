import MillraceCore

/// When what is committed is made to survive a failure of power or of the operating system. A killed process loses nothing at any level.
public enum Durability: Sendable, Equatable {
    /// Each commit returns when it is on the disk. Costs a wait for the disk per commit; commits of several sessions that come at once share it.
    case onCommit
    /// What is committed is on the disk after this time at most. A power failure loses the commits of that time, whole ones, from the end.
    case interval(Duration)
    /// The operating system writes when it likes (on Linux within about 30 seconds). A power failure loses commits from the end, as above.
    case system
}

/// How an embedded log is opened.
public struct EmbeddedLogOptions: Sendable {
    /// When a commit is on disk.
    public var durability: Durability
    /// Where files are; the operating system's unless a test says otherwise.
    public var fileSystem: any FileSystem
    /// The time of day for `LogAppendTime`; the operating system's when `nil`.
    public var clock: (any WallClock)?
    /// Where the log says what it does.
    public var logger: MillraceLogger
    /// Retention and compaction in the background; with `nil` they only run when `runRetention` and `runCompaction` are called.
    public var housekeeping: Housekeeping?
    /// How many files of segments the log keeps open at once, indexes that grow included; one that was not used for long is closed, and opened again when it is needed. A
    /// few more are open while they are looked something up in, removed, or watched by `observe`.
    public var maximumOpenFiles: Int
    /// Where topics' ids come from; chance when `nil`.
    package var newTopicID: (@Sendable () -> TopicID)?

    /// Options of a log; everything has a default.
    public init(
        durability: Durability = .interval(.seconds(1)), fileSystem: any FileSystem = POSIXFileSystem(), clock: (any WallClock)? = nil,
        logger: MillraceLogger = .silent, housekeeping: Housekeeping? = Housekeeping(), maximumOpenFiles: Int = 1000
    ) {
        self.durability = durability
        self.fileSystem = fileSystem
        self.clock = clock
        self.logger = logger
        self.housekeeping = housekeeping
        self.maximumOpenFiles = maximumOpenFiles
    }
}
