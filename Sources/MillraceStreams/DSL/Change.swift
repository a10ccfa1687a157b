/// An update of a row of a table: its value from now on, and the one it had, as far as somebody asked for it. `nil` is no value.
///
/// Kafka: `Change<V>`.
public struct Change<Value> {
    public var new: Value?
    public var old: Value?

    @inlinable
    public init(new: Value?, old: Value?) {
        self.new = new
        self.old = old
    }
}
