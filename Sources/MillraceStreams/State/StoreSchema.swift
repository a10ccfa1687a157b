import MillraceCore

/// What a declared store can be asked for: its kind, and the serdes of its keys and values, whose types queries are checked against before any task runs.
@usableFromInline
struct StoreSchema: Sendable {
    /// The kinds of stores that queries know, by the names of their descriptions.
    @usableFromInline
    enum Kind: String, Sendable {
        case keyValue
        case window
        case session
        case versioned
    }

    let kind: Kind
    /// A `Serde` of the keys; of the inner ones where keys have windows.
    let key: any Sendable
    /// A `Serde` of the values.
    let value: any Sendable
    /// The types of both, for messages.
    let types: String

    @usableFromInline
    init<Key, Value>(_ kind: Kind, key: Serde<Key>, value: Serde<Value>) {
        self.kind = kind
        self.key = key
        self.value = value
        types = "key: \(Key.self).self, value: \(Value.self).self"
    }

    /// How a query describes the store.
    func description(of store: String) -> String { ".\(kind.rawValue)(\"\(store)\", \(types))" }
}
