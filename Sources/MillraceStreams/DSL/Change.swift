/// An update of a row of a table: its value from now on, and the one it had, as far as somebody asked for it. `nil` is no value.
///
/// Kafka: `Change<V>`.
public struct Change<Value> {
    public var new: Value?
    public var old: Value?
    /// Whether `new` is the row's value from now on; `false` for an update of a versioned table that came out of order and concerns the past.
    public var isLatest: Bool

    @inlinable
    public init(new: Value?, old: Value?, isLatest: Bool = true) {
        self.new = new
        self.old = old
        self.isLatest = isLatest
    }
}
