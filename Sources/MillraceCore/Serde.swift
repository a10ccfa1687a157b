/// How values of one type become bytes in a topic or a store, and come back.
///
/// A serde is two closures and a name, so one can be made in a line:
///
///     let celsius = Serde<Double>("celsius", write: { $1.append(utf8: "\($0)") }, read: { try Double.text($0) })
///
/// Kafka's null is not the serde's business, except for optional types: `Serde<Int?>` writes `nil` as null (no bytes at all), never as empty bytes.
/// A serde is called from several threads at once, each with a buffer of its own, so its closures must not share mutable state.
///
/// Kafka: `Serde<T>`.
public struct Serde<Value>: Sendable {
    /// A short name, for messages.
    public let name: String
    @usableFromInline let writeValue: @Sendable (Value, ByteBuffer) throws -> Void
    @usableFromInline let readValue: @Sendable (UnsafeRawBufferPointer) throws -> Value
    @usableFromInline let nullTest: (@Sendable (Value) -> Bool)?
    @usableFromInline let makeNull: (@Sendable () -> Value)?
    /// The bytes at the end of a key that do not count when its partition is chosen: a window's times, so that all windows of a key share a partition.
    public let suffixOutsidePartitioning: Int

    /// - Parameters:
    ///   - suffixOutsidePartitioning: The bytes at the end of a key that do not count when its partition is chosen.
    ///   - write: Appends the bytes of a value to the buffer.
    ///   - read: Makes a value of the bytes, which are valid during the call only. Throws when they are not such a value.
    public init(
        _ name: String, suffixOutsidePartitioning: Int = 0, write: @escaping @Sendable (Value, ByteBuffer) throws -> Void,
        read: @escaping @Sendable (UnsafeRawBufferPointer) throws -> Value
    ) {
        self.name = name
        self.suffixOutsidePartitioning = suffixOutsidePartitioning
        writeValue = write
        readValue = read
        nullTest = nil
        makeNull = nil
    }

    @usableFromInline
    init(
        name: String, suffixOutsidePartitioning: Int, write: @escaping @Sendable (Value, ByteBuffer) throws -> Void,
        read: @escaping @Sendable (UnsafeRawBufferPointer) throws -> Value,
        isNull: @escaping @Sendable (Value) -> Bool, makeNull: @escaping @Sendable () -> Value
    ) {
        self.name = name
        writeValue = write
        readValue = read
        nullTest = isNull
        self.makeNull = makeNull
        self.suffixOutsidePartitioning = suffixOutsidePartitioning
    }

    /// Whether values of this type can stand for Kafka's null.
    @inlinable public var allowsNull: Bool { makeNull != nil }

    /// The value that stands for Kafka's null; `nil` where the type has no room for one.
    @inlinable public var null: Value? { makeNull?() }

    /// Whether a value stands for Kafka's null.
    @inlinable
    public func isNull(_ value: Value) -> Bool { nullTest?(value) ?? false }

    /// Appends the bytes of `value`, or nothing when it is null.
    ///
    /// - Returns: `false` when the value is null, so that the caller writes a null instead of empty bytes.
    @inlinable
    public func write(_ value: Value, to buffer: ByteBuffer) throws -> Bool {
        if let nullTest, nullTest(value) { return false }
        try writeValue(value, buffer)
        return true
    }

    /// The part of a key's bytes by which its partition is chosen.
    @inlinable
    public func partitioningBytes(_ key: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        suffixOutsidePartitioning == 0
            ? key : UnsafeRawBufferPointer(rebasing: key[..<max(0, key.count - suffixOutsidePartitioning)])
    }

    /// The value of `bytes`, which may be empty but are not null.
    @inlinable
    public func read(_ bytes: UnsafeRawBufferPointer) throws -> Value {
        try readValue(bytes)
    }

    /// The bytes of `value`, `nil` for null. For tests and tools; the engine writes into buffers.
    public func bytes(of value: Value) throws -> [UInt8]? {
        let buffer = ByteBuffer()
        return try write(value, to: buffer) ? Array(buffer.bytes) : nil
    }

    /// The value of `bytes`, where `nil` is Kafka's null.
    ///
    /// - Throws: `MillraceError` of kind `serialization` for a null that the type has no room for.
    public func value(of bytes: [UInt8]?) throws -> Value {
        if let bytes { return try bytes.withUnsafeBytes { try readValue($0) } }
        guard let null else {
            throw MillraceError(.serialization, "a null cannot be read as \(Value.self); use the serde of an optional type")
        }
        return null
    }

    /// The serde of the optional type: `nil` is Kafka's null.
    @inlinable public var optional: Serde<Value?> {
        let writeValue = self.writeValue
        let readValue = self.readValue
        return Serde<Value?>(
            name: name, suffixOutsidePartitioning: suffixOutsidePartitioning,
            write: { value, buffer in if let value { try writeValue(value, buffer) } },
            read: { try readValue($0) }, isNull: { $0 == nil }, makeNull: { nil })
    }
}

extension Serde {
    /// The serde of the type inside an optional, for values that are known not to be null.
    @inlinable
    public func wrapped<Wrapped>() -> Serde<Wrapped> where Value == Wrapped? {
        let writeValue = self.writeValue
        let readValue = self.readValue
        return Serde<Wrapped>(
            name, suffixOutsidePartitioning: suffixOutsidePartitioning, write: { try writeValue($0, $1) },
            read: { bytes in
                guard let value = try readValue(bytes) else {
                    throw MillraceError(.serialization, "bytes were read as a null, which only missing bytes may be")
                }
                return value
            })
    }
}

/// A type with one obvious serde, which the DSL finds from the type alone.
///
/// A type of your own that is `Codable` needs a single word to travel as JSON:
///
///     struct Click: Codable, HasSerde { var user: String; var page: String }
public protocol HasSerde {
    /// How values of this type are written and read where nothing else is said.
    static var serde: Serde<Self> { get }
}

extension Serde {
    /// The obvious serde of `Value`, when it has one.
    public static var ofType: Serde<Value>? {
        func open<T: HasSerde>(_: T.Type) -> Serde<Value>? { T.serde as? Serde<Value> }
        guard let type = Value.self as? any HasSerde.Type else { return nil }
        return open(type)
    }
}

extension Optional: HasSerde where Wrapped: HasSerde {
    /// The serde of the type inside, with `nil` for Kafka's null.
    public static var serde: Serde<Wrapped?> { Wrapped.serde.optional }
}
