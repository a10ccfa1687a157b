import MillraceCore

extension Serde where Value: Codable & SendableMetatype {
    /// JSON, by the type's `Codable` conformance.
    ///
    ///     let clicks = builder.stream("clicks", key: .string, value: .json(Click.self))
    ///
    /// Coding keys become names as they are. `Date` is written as ISO 8601 text in UTC and read from such text or from milliseconds since 1970; `Data` is base64; a `URL` is its text.
    /// Numbers with a fraction are written in the fewest digits that read back as the same number; NaN and infinities have no JSON form and are an error. Whole numbers need to fit 64 bits.
    /// Text nested more than 512 deep is refused, both ways. When a name occurs twice in an object, which one counts is not defined.
    ///
    /// Errors are of kind `serialization` and name the place: `payment.amount: expected a number, found a string`.
    ///
    /// Kafka: a `JsonSerializer` and `JsonDeserializer` for the type.
    public static func json(_ type: Value.Type = Value.self) -> Serde<Value> {
        Serde("json", write: { try JSONWriter.write($0, to: $1) }, read: { try JSONDocument.read(Value.self, from: $0) })
    }
}

// The compiler prefers this for optional types, since it asks more of them.
extension Serde where Value: Nullable & Codable, Value.Wrapped: Codable & SendableMetatype {
    /// JSON for a type with room for Kafka's null: `nil` is written as null, not as the text `null`.
    public static func json(_ type: Value.Type = Value.self) -> Serde<Value> {
        Value.optional(Serde<Value.Wrapped>.json())
    }
}

extension HasSerde where Self: Codable & SendableMetatype {
    /// JSON; see `Serde.json(_:)`.
    public static var serde: Serde<Self> { .json() }
}
