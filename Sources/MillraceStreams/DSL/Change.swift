/// An update of a row of a table: its value from now on, and the one it had, as far as somebody asked for it. `nil` is no value.
///
/// Kafka: `Change<V>`.
public struct Change<Value> {
    /// The new value; `nil`: the row is gone.
    public var new: Value?
    /// The value before, where an operator behind asked for it; `nil` also when there was none.
    public var old: Value?
    /// Whether `new` is the row's value from now on; `false` for an update of a versioned table that came out of order and concerns the past.
    public var isLatest: Bool

    /// A change of a row.
    @inlinable
    public init(new: Value?, old: Value?, isLatest: Bool = true) {
        self.new = new
        self.old = old
        self.isLatest = isLatest
    }
}
