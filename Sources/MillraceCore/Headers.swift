/// One header of a record: a name and bytes, or no bytes (`nil`), which is not the same as empty bytes.
public struct Header: Hashable, Sendable {
    /// The header's name, which need not be unique in a record.
    public var name: String
    /// The header's bytes; `nil` is Kafka's null.
    public var value: [UInt8]?

    /// A header; `value` is `nil` for Kafka's null.
    public init(_ name: String, _ value: [UInt8]?) {
        self.name = name
        self.value = value
    }

    /// A header whose value is text, as UTF-8.
    public init(_ name: String, text: String) {
        self.init(name, Array(text.utf8))
    }
}

/// The headers of a record: ordered, and names may repeat. Empty headers cost nothing.
///
/// Kafka: `Headers`.
public struct Headers: Hashable, Sendable, RandomAccessCollection, RangeReplaceableCollection, ExpressibleByArrayLiteral {
    @usableFromInline var elements: [Header]

    @inlinable
    public init() {
        elements = []
    }

    @inlinable
    public init(arrayLiteral elements: Header...) {
        self.elements = elements
    }

    @inlinable public var startIndex: Int { 0 }
    @inlinable public var endIndex: Int { elements.count }
    @inlinable public subscript(position: Int) -> Header { elements[position] }

    @inlinable
    public mutating func replaceSubrange(_ range: Range<Int>, with new: some Collection<Header>) {
        elements.replaceSubrange(range, with: new)
    }

    /// The last header of this name, which is the one that counts; `nil` when there is none. Kafka: `lastHeader`.
    public func last(named name: String) -> Header? {
        elements.last { $0.name == name }
    }
}
