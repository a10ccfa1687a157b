/// The optional types, by which operators that need a key or a value tell streams that may lack one: they drop such records and give on the type inside.
///
/// It is a protocol because the compiler prefers a member that is constrained by one to the member for all types, which a constraint like `Key == Wrapped?` does not achieve.
/// No other type should conform.
public protocol Nullable: SendableMetatype {
    /// The type inside the optional.
    associatedtype Wrapped

    /// The value, as the optional that it is.
    var optional: Wrapped? { get }
    /// The optional as this type, which it is.
    static func of(_ optional: Wrapped?) -> Self
    /// The serde of the type inside.
    static func wrapped(_ serde: Serde<Self>) -> Serde<Wrapped>
    /// The serde of the optional type.
    static func optional(_ serde: Serde<Wrapped>) -> Serde<Self>
}

extension Optional: Nullable {
    @inlinable public var optional: Wrapped? { self }
    @inlinable public static func of(_ optional: Wrapped?) -> Wrapped? { optional }

    @inlinable public static func wrapped(_ serde: Serde<Wrapped?>) -> Serde<Wrapped> { serde.wrapped() }
    @inlinable public static func optional(_ serde: Serde<Wrapped>) -> Serde<Wrapped?> { serde.optional }
}
