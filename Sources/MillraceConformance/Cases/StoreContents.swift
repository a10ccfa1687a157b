/// The rows of a store.
struct StoreContents: Codable, Equatable, Sendable {
    enum Kind: String, Codable, Sendable {
        case keyValue, window, session, versioned
    }

    var type: Kind
    /// The rows; of a versioned store the latest version of each key.
    var entries: [StoreRow]
    /// Of a versioned store: what is found as of some times.
    var asOf: [StoreRow]?

    init(type: Kind, entries: [StoreRow], asOf: [StoreRow]? = nil) {
        self.type = type
        self.entries = entries
        self.asOf = asOf
    }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        type = try fields.decode(Kind.self, forKey: .type)
        let times = [Kind.keyValue: 0, .window: 1, .session: 2, .versioned: 0][type] ?? 0
        entries = try StoreRow.decode(fields.nestedUnkeyedContainer(forKey: .entries), times: times)
        asOf = fields.contains(.asOf) ? try StoreRow.decode(fields.nestedUnkeyedContainer(forKey: .asOf), times: 1) : nil
    }
}

/// A row of a store: key, times of a window or question, value, and the row's own time where the store has one.
struct StoreRow: Codable, Sendable, Comparable {
    var key: String?
    var times: [Int64] = []
    var value: String?
    var timestamp: Int64?

    /// Rows are arrays: key, `times` numbers, value, and perhaps a timestamp.
    static func decode(_ rows: consuming any UnkeyedDecodingContainer, times: Int) throws -> [StoreRow] {
        var result: [StoreRow] = []
        while !rows.isAtEnd {
            var row = try rows.nestedUnkeyedContainer()
            let key = try row.decodeNullable(String.self)
            let numbers = try (0..<times).map { _ in try row.decode(Int64.self) }
            let value = try row.decodeNullable(String.self)
            result.append(StoreRow(key: key, times: numbers, value: value, timestamp: row.isAtEnd ? nil : try row.decode(Int64.self)))
        }
        return result
    }

    /// Equal to the byte.
    static func == (left: StoreRow, right: StoreRow) -> Bool {
        left.times == right.times && left.timestamp == right.timestamp && Text.same(left.key, right.key)
            && Text.same(left.value, right.value)
    }

    /// By key, then start, then end.
    static func < (left: StoreRow, right: StoreRow) -> Bool {
        let (a, b) = (left.key ?? "", right.key ?? "")
        return Text.same(a, b) ? left.times.lexicographicallyPrecedes(right.times) : a.precedesInBytes(b)
    }
}

extension UnkeyedDecodingContainer {
    fileprivate mutating func decodeNullable<T: Decodable>(_: T.Type) throws -> T? {
        try decodeNil() ? nil : decode(T.self)
    }
}
