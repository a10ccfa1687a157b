extension JSONDocument {
    /// The value at `index` as a type that may have a short way through.
    ///
    /// The standard library's arrays, dictionaries and optionals ask for their elements through generic code, so the commonest types are looked for by identity.
    @inline(__always)
    func value<Value: Decodable>(_ type: Value.Type, at index: Int) throws -> Value {
        if Value.self == String.self { return unsafeBitCast(try string(at: index), to: Value.self) }
        if Value.self == Int.self { return unsafeBitCast(try integer(Int.self, at: index), to: Value.self) }
        if Value.self == Double.self { return unsafeBitCast(try double(at: index), to: Value.self) }
        if Value.self == Int64.self { return unsafeBitCast(try integer(Int64.self, at: index), to: Value.self) }
        if let value = try foundationValue(type, at: index) { return value }
        return try Value(from: JSONDecoding(document: self, index: index))
    }

    @inline(__always)
    func isNull(at index: Int) -> Bool { kind(at: index) == .null }

    @inline(__always)
    func bool(at index: Int) throws -> Bool {
        switch kind(at: index) {
        case .true: return true
        case .false: return false
        default: throw mismatch(Bool.self, "true or false", at: index)
        }
    }

    /// - Throws: `DecodingError` when the number has a fraction or does not fit.
    @inline(__always)
    func integer<Number: FixedWidthInteger>(_ type: Number.Type, at index: Int) throws -> Number {
        let bits = tape[index + 1]
        let number: Number?
        switch kind(at: index) {
        case .integer: number = Number(exactly: Int64(bitPattern: bits))
        case .unsigned: number = Number(exactly: bits)
        case .double: number = Number(exactly: Double(bitPattern: bits))
        default: throw mismatch(type, "a number", at: index)
        }
        guard let number else { throw misfit(type, at: index) }
        return number
    }

    @inline(__always)
    func double(at index: Int) throws -> Double {
        let bits = tape[index + 1]
        switch kind(at: index) {
        case .double: return Double(bitPattern: bits)
        case .integer: return Double(Int64(bitPattern: bits))
        case .unsigned: return Double(bits)
        default: throw mismatch(Double.self, "a number", at: index)
        }
    }

    /// - Throws: `DecodingError` when the number is beyond the range of `Float`; what is only finer than a `Float` is rounded.
    func float(at index: Int) throws -> Float {
        let number = Float(try double(at: index))
        guard number.isFinite else { throw misfit(Float.self, at: index) }
        return number
    }

    @inline(__always)
    func string(at index: Int) throws -> String {
        guard kind(at: index) == .string else { throw mismatch(String.self, "a string", at: index) }
        // The parser lets only one thing pass that is not UTF-8, half of a surrogate pair: three bytes, which repairing makes longer. The initialiser that validates takes several times as long.
        let bytes = utf8(at: index)
        let text = String(decoding: bytes, as: UTF8.self)
        guard text.utf8.count == bytes.count else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: path(to: index), debugDescription: "the string holds half of a surrogate pair"))
        }
        return text
    }
}
