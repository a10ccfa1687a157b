/// The elements of an array of a document, in order.
///
/// Small enough that an existential holds it without an allocation, for which indices take 32 bits, as they do on the tape.
struct JSONElements: UnkeyedDecodingContainer {
    private let document: JSONDocument
    private let array: UInt32
    private var element: UInt32
    private var position: UInt32 = 0
    /// The index of the closing bracket.
    private let end: UInt32

    init(_ document: JSONDocument, _ array: Int) throws {
        guard document.kind(at: array) == .array else { throw document.mismatch([Any].self, "an array", at: array) }
        self.document = document
        self.array = UInt32(array)
        element = UInt32(array) + 1
        end = UInt32(document.end(of: array)) - 1
    }

    var codingPath: [any CodingKey] { document.path(to: Int(array)) }
    /// The number of elements, which the tape knows up to 2^24 - 1 and `Codable` lets us not know.
    var count: Int? {
        let count = Int(document.tape[Int(array)] >> 32 & 0xFF_FFFF)
        return count < 0xFF_FFFF ? count : nil
    }
    var currentIndex: Int { Int(position) }
    var isAtEnd: Bool { element >= end }

    /// Reads the element that is next, and moves on if that succeeds.
    @inline(__always)
    private mutating func take<Result>(_ type: Any.Type, _ read: (Int) throws -> Result) throws -> Result {
        guard !isAtEnd else { throw exhausted(type) }
        let result = try read(Int(element))
        element = UInt32(document.end(of: Int(element)))
        position += 1
        return result
    }

    private func exhausted(_ type: Any.Type) -> DecodingError {
        .valueNotFound(
            type, .init(codingPath: codingPath, debugDescription: "the array has only \(position) elements, and one more was asked for"))
    }

    /// Moves on only if the element is null.
    mutating func decodeNil() throws -> Bool {
        guard !isAtEnd else { throw exhausted(Never.self) }
        guard document.isNull(at: Int(element)) else { return false }
        element += 1
        position += 1
        return true
    }

    mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) throws -> KeyedDecodingContainer<Nested> {
        let document = document
        return try take([String: Any].self) { KeyedDecodingContainer(try JSONFields<Nested>(document, $0)) }
    }
    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        let document = document
        return try take([Any].self) { try JSONElements(document, $0) }
    }
    mutating func superDecoder() throws -> any Decoder {
        let document = document
        return try take((any Decoder).self) { JSONDecoding(document: document, index: $0) }
    }

    mutating func decode(_ type: Bool.Type) throws -> Bool { try take(type) { [document] in try document.bool(at: $0) } }
    mutating func decode(_ type: String.Type) throws -> String { try take(type) { [document] in try document.string(at: $0) } }
    mutating func decode(_ type: Double.Type) throws -> Double { try take(type) { [document] in try document.double(at: $0) } }
    mutating func decode(_ type: Float.Type) throws -> Float { try take(type) { [document] in try document.float(at: $0) } }
    mutating func decode(_ type: Int.Type) throws -> Int { try take(type) { [document] in try document.integer(type, at: $0) } }
    mutating func decode(_ type: Int8.Type) throws -> Int8 { try take(type) { [document] in try document.integer(type, at: $0) } }
    mutating func decode(_ type: Int16.Type) throws -> Int16 { try take(type) { [document] in try document.integer(type, at: $0) } }
    mutating func decode(_ type: Int32.Type) throws -> Int32 { try take(type) { [document] in try document.integer(type, at: $0) } }
    mutating func decode(_ type: Int64.Type) throws -> Int64 { try take(type) { [document] in try document.integer(type, at: $0) } }
    mutating func decode(_ type: UInt.Type) throws -> UInt { try take(type) { [document] in try document.integer(type, at: $0) } }
    mutating func decode(_ type: UInt8.Type) throws -> UInt8 { try take(type) { [document] in try document.integer(type, at: $0) } }
    mutating func decode(_ type: UInt16.Type) throws -> UInt16 { try take(type) { [document] in try document.integer(type, at: $0) } }
    mutating func decode(_ type: UInt32.Type) throws -> UInt32 { try take(type) { [document] in try document.integer(type, at: $0) } }
    mutating func decode(_ type: UInt64.Type) throws -> UInt64 { try take(type) { [document] in try document.integer(type, at: $0) } }
    mutating func decode(_ type: Int128.Type) throws -> Int128 { try take(type) { [document] in try document.integer(type, at: $0) } }
    mutating func decode(_ type: UInt128.Type) throws -> UInt128 { try take(type) { [document] in try document.integer(type, at: $0) } }
    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try take(type) { [document] in try document.value(type, at: $0) }
    }
}
