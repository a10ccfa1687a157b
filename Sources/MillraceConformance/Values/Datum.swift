/// A key or value inside a program of the suite: text, a count, or the key of a window. Kafka's null is a `nil` around it.
///
/// The operators of a program are chosen at run time, so their types must be too; one type that can hold all three takes the place of
/// Java's `Object`.
enum Datum: Hashable, Sendable {
    case text(String)
    case number(Int64)
    /// `end` is exclusive for tumbling and hopping windows and inclusive for sliding and session windows, as the operators report it.
    indirect case windowed(Datum, start: Int64, end: Int64)

    /// The text by which functions, sinks and expected results see it.
    var text: String {
        switch self {
        case .text(let text): text
        case .number(let number): String(number)
        case .windowed(let key, let start, let end): "\(key.text)@\(start)-\(end)"
        }
    }
}

extension Datum? {
    /// The text, with null shown as `null`.
    var shown: String { self?.text ?? "null" }

    /// The text, with null as the empty string.
    var orEmpty: String { self?.text ?? "" }

    /// The number that the text is, 0 when it is none.
    var integer: Int64 {
        switch self {
        case .number(let number) where String(number).isSmallInteger: number
        case .some(let datum): datum.text.smallInteger ?? 0
        case nil: 0
        }
    }

    var isInteger: Bool { self?.text.isSmallInteger ?? false }
}

extension String {
    /// Whether it matches `-?[0-9]{1,9}`.
    var isSmallInteger: Bool { smallInteger != nil }

    /// The number, if it matches `-?[0-9]{1,9}`.
    var smallInteger: Int64? {
        var digits = utf8[...]
        let isNegative = digits.first == UInt8(ascii: "-")
        if isNegative { digits.removeFirst() }
        guard (1...9).contains(digits.count) else { return nil }
        var number: Int64 = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            number = number * 10 + Int64(digit - UInt8(ascii: "0"))
        }
        return isNegative ? -number : number
    }

    /// The order of the UTF-8 bytes, unsigned.
    func precedesInBytes(_ other: String) -> Bool {
        utf8.lexicographicallyPrecedes(other.utf8)
    }
}
