import Millrace

/// Work whose memory does not follow from how fast records come, but from what is in them.
public enum BudgetCase: String, CaseIterable, Sendable {
    /// One key, whose value grows with each record.
    case hot
    /// Values of a megabyte under many keys.
    case huge
    /// A record that joins with all records of the other stream.
    case streamJoin = "stream-join"
    /// A row that all rows of the other table refer to.
    case foreignKeyJoin = "foreign-key-join"

    public var inputs: [String] {
        switch self {
        case .hot, .huge: ["budget-\(rawValue)"]
        case .streamJoin, .foreignKeyJoin: ["budget-\(rawValue)-many", "budget-\(rawValue)-one"]
        }
    }

    /// Calls `body` with the records of the inputs: topic, key, value, time.
    public func generate(_ count: Int, _ body: (String, String, String, Int64) throws -> Void) rethrows {
        switch self {
        case .hot:
            for number in 0..<count { try body(inputs[0], "key", String(repeating: "h", count: 100), Int64(number)) }
        case .huge:
            for number in 0..<max(1, count / 500) {
                let letter = String(UnicodeScalar(UInt8(97 + number % 26)))
                try body(inputs[0], "key \(number % 500)", String(repeating: letter, count: 1_000_000), Int64(number))
            }
        case .streamJoin:
            for number in 0..<count { try body(inputs[0], "key", "value number \(number)", Int64(number % 1000)) }
            try body(inputs[1], "key", "one", 1000)
        case .foreignKeyJoin:
            for number in 0..<count { try body(inputs[0], "row \(number)", "value number \(number)", Int64(number % 1000)) }
            for round in 0..<2 { try body(inputs[1], "one", "other row \(round)", Int64(1000 + round)) }
        }
    }

    public func topology(_ output: String) throws -> Topology {
        let builder = StreamsBuilder()
        switch self {
        case .hot:
            builder.stream(inputs[0], key: .string, value: .string)
                .groupByKey()
                .aggregate("", in: "store", value: .string) { _, value, all in all.utf8.count > 100_000 ? value : all + value }
                .toStream()
                .to(output)
        case .huge:
            let rows: KTable<String, String> = builder.table(inputs[0], key: .string, value: .string, in: "store")
            rows.toStream().mapValues { $0.map { "\($0.utf8.count)" } }.to(output)
        case .streamJoin:
            let one = builder.stream(inputs[1], key: .string, value: .string)
            builder.stream(inputs[0], key: .string, value: .string)
                .join(one, within: JoinWindows(difference: .seconds(10), grace: .seconds(5)), in: "store") { many, one in many + "|" + one }
                .to(output)
        case .foreignKeyJoin:
            let other: KTable<String, String> = builder.table(inputs[1], key: .string, value: .string)
            let rows: KTable<String, String> = builder.table(inputs[0], key: .string, value: .string)
            rows.join(other, foreignKey: { _, _ in "one" }) { row, other in row + "|" + other }.toStream().to(output)
        }
        return try builder.build()
    }
}
