/// The function of a specification `name` or `name:argument`.
struct FunctionName {
    let name: Substring
    let argument: String

    init(_ specification: String) {
        let colon = specification.firstIndex(of: ":")
        name = specification[..<(colon ?? specification.endIndex)]
        argument = colon.map { String(specification[specification.index(after: $0)...]) } ?? ""
    }

    /// The argument as a number.
    ///
    /// - Throws: `BadProgram` when it is none.
    func number() throws -> Int64 {
        guard let number = Int64(argument) else { throw BadProgram("\(name):\(argument) needs a number") }
        return number
    }
}

/// The arithmetic and text of the suite's functions.
enum Text {
    /// `number` modulo 1000003, never negative.
    static func mod(_ number: Int64) -> String {
        let remainder = number % 1_000_003
        return String(remainder < 0 ? remainder + 1_000_003 : remainder)
    }

    /// The first byte, `?` if it is not ASCII, nothing for nothing.
    static func first(_ text: String) -> String {
        guard let byte = text.utf8.first else { return "" }
        return byte < 0x80 ? String(UnicodeScalar(byte)) : "?"
    }

    /// ASCII letters in upper case.
    static func upper(_ text: String) -> String {
        let isLower = UInt8(ascii: "a")...UInt8(ascii: "z")
        return String(decoding: text.utf8.map { isLower.contains($0) ? $0 - 32 : $0 }, as: UTF8.self)
    }

    /// The text before the first, or last, `separator`; all of it when there is none.
    static func before(_ separator: Character, _ text: String, last: Bool = false) -> String {
        guard let byte = separator.asciiValue else { return text }
        let place = last ? text.utf8.lastIndex(of: byte) : text.utf8.firstIndex(of: byte)
        return place.map { String(text[..<$0]) } ?? text
    }

    /// Equality of the bytes. Swift's own takes differently composed characters for the same.
    static func same(_ left: String?, _ right: String?) -> Bool {
        guard let left, let right else { return left == nil && right == nil }
        return left.utf8.elementsEqual(right.utf8)
    }

    static func contains(_ text: String, _ part: String) -> Bool {
        part.isEmpty || Array(text.utf8).firstRange(of: Array(part.utf8)) != nil
    }
}
