import MillraceCore

/// A stretch of time.
///
/// Whether `end` itself is part of it depends on the kind of window, as in Kafka: it is not for tumbling and hopping windows, and it is for sliding and session windows.
public struct Window: Hashable, Sendable, CustomStringConvertible {
    /// The first time in the window.
    public var start: Timestamp
    /// The end of the window, which is part of it only for sliding and session windows.
    public var end: Timestamp

    /// A window between two times.
    @inlinable
    public init(start: Timestamp, end: Timestamp) {
        self.start = start
        self.end = end
    }

    /// `start-end`, in milliseconds.
    public var description: String { "\(start)-\(end)" }
}

/// A key in a window: the key of a table that a windowed aggregation makes.
///
/// Kafka: `Windowed<K>`.
public struct Windowed<Key> {
    /// The key.
    public var key: Key
    /// The window.
    public var window: Window

    /// A key in a window.
    @inlinable
    public init(_ key: Key, _ window: Window) {
        self.key = key
        self.window = window
    }
}

extension Windowed: Sendable where Key: Sendable {}
extension Windowed: Equatable where Key: Equatable {}
extension Windowed: Hashable where Key: Hashable {}

extension Windowed: CustomStringConvertible {
    /// `key@start-end`, in milliseconds.
    public var description: String { "\(key)@\(window)" }
}
