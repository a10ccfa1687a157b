import MillraceCore

/// Where a node sends its records: the finished inside of the node after it, or of several, as one call.
///
/// It is a closure and not a reference to a generic class, because a closure that is made where `Key` and `Value` are known is compiled for them, while the methods of a
/// generic class are reached through a table that holds the general versions only.
public struct Output<Key, Value> {
    /// Hands a record to what is behind.
    public let send: (Record<Key, Value>) throws -> Void

    /// An output to one receiver.
    @inlinable
    public init(_ send: @escaping (Record<Key, Value>) throws -> Void) {
        self.send = send
    }
}

/// The inside of an assembled node, its types erased. They are checked once for each edge, when the node before it asks for its output.
public struct NodeInput {
    let input: Any
    /// What it takes, for messages.
    let types: String

    /// The inside of a node, as the closure that takes its records.
    @inlinable
    public init<Key, Value>(_ receive: @escaping (Record<Key, Value>) throws -> Void) {
        self.init(Output(receive))
    }

    @usableFromInline
    init<Key, Value>(_ output: Output<Key, Value>) {
        input = output
        types = "(\(Key.self), \(Value.self))"
    }
}
