/// A name or a position in a JSON text.
struct JSONKey: CodingKey {
    let stringValue: String
    let intValue: Int?

    init(_ name: String) {
        stringValue = name
        intValue = nil
    }

    init(_ position: Int) {
        stringValue = String(position)
        intValue = position
    }

    init(stringValue: String) { self.init(stringValue) }
    init(intValue: Int) { self.init(intValue) }

    /// The name that `Codable` keeps for the value of a superclass.
    static let `super` = JSONKey("super")
}
