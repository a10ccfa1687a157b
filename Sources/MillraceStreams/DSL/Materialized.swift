import MillraceCore

/// Where an operator keeps its rows: the name of the store, its kind, and what is kept for how long.
///
/// Most often just a name:
///
///     clicks.groupByKey().count(in: "clicks-per-user")
///     clicks.groupByKey().count(in: .inMemory("clicks-per-user"))
///
/// The name becomes part of the name of the store's changelog topic: changing it abandons the rows. Kafka: `Materialized`.
public struct Materialized: Sendable, ExpressibleByStringLiteral {
    /// How the rows are kept.
    public enum Kind: Hashable, Sendable {
        /// What the builder's `defaultStore` says.
        case automatic
        /// On disk, in RocksDB. Not bounded by memory, and there at once after a restart.
        case persistent
        /// In memory only; restored from the changelog at each start.
        case inMemory
        /// On disk, with the values of the past `history`, so that joins find the value as of a time. Kafka: `persistentVersionedKeyValueStore`.
        case versioned(history: Duration)
    }

    /// The name, by which processors and queries find it; `nil` for a generated one that nobody is meant to use.
    public var name: String?
    /// Where the rows are: on disk, in memory, or on disk with their history.
    public var kind: Kind
    /// How long a windowed store keeps a window after its start, by stream time; at least, and by default, size and grace of the windows.
    public var retention: Duration?
    /// How long a row lives after the record that wrote it, by stream time; for good when left out. For tables that are read from a topic, made of a stream or aggregated, and
    /// for stores of processors; `build` throws for others.
    ///
    /// From the moment on at which the stream time of the task reaches a row's timestamp plus this, the row is gone: look-ups, joins, aggregations and queries do not find it. With
    /// more records, a sixteenth of the time to live later at most, it is removed from disk, a tombstone goes to the changelog, and operators behind the table are sent a deletion.
    /// Time does not pass while no records come. Kafka Streams has no counterpart; Flink's state TTL goes by the time of day and tells nobody.
    public var timeToLive: Duration?
    /// Whether changes are written to a changelog topic. Without one the rows are lost when the state directory is.
    public var isLogged: Bool
    /// Settings of the changelog topic beyond the necessary ones, by Kafka's names.
    public var changelogSettings: [String: String]

    /// A store; with no argument, one of the builder's default kind with a generated name.
    public init(
        _ name: String? = nil, kind: Kind = .automatic, retention: Duration? = nil, timeToLive: Duration? = nil, isLogged: Bool = true,
        changelogSettings: [String: String] = [:]
    ) {
        self.name = name
        self.kind = kind
        self.retention = retention
        self.timeToLive = timeToLive
        self.isLogged = isLogged
        self.changelogSettings = changelogSettings
    }

    public init(stringLiteral name: String) {
        self.init(name)
    }

    /// A store without a name of its own, of the builder's default kind.
    public static var automatic: Materialized { Materialized() }

    /// A store on disk.
    public static func persistent(_ name: String? = nil, retention: Duration? = nil, timeToLive: Duration? = nil) -> Materialized {
        Materialized(name, kind: .persistent, retention: retention, timeToLive: timeToLive)
    }

    /// A store in memory.
    public static func inMemory(_ name: String? = nil, retention: Duration? = nil, timeToLive: Duration? = nil) -> Materialized {
        Materialized(name, kind: .inMemory, retention: retention, timeToLive: timeToLive)
    }

    /// A store that remembers the values of the past `history`.
    public static func versioned(_ name: String? = nil, history: Duration) -> Materialized {
        Materialized(name, kind: .versioned(history: history))
    }

    @usableFromInline var isVersioned: Bool {
        if case .versioned = kind { true } else { false }
    }
}
