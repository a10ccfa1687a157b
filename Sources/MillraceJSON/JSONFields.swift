/// The fields of an object of a document.
///
/// Types ask for their fields in the order of declaration, which is mostly that of the text. So a search starts behind the field that was found last, and goes round once.
/// That position lies in the payload of the closing bracket's word, which nothing else reads: a container of `Codable` cannot change itself, and an object for it would cost an allocation.
struct JSONFields<Key: CodingKey>: KeyedDecodingContainerProtocol {
    private let document: JSONDocument
    private let object: Int
    /// The index of the closing bracket.
    private let end: Int

    init(_ document: JSONDocument, _ object: Int) throws {
        guard document.kind(at: object) == .object else {
            throw document.mismatch([String: Any].self, "an object", at: object)
        }
        self.document = document
        self.object = object
        end = document.end(of: object) - 1
        document.tape[end] = UInt64(object + 1)
    }

    var codingPath: [any CodingKey] { document.path(to: object) }

    var allKeys: [Key] {
        var keys: [Key] = []
        var field = object + 1
        while field < end {
            if let name = String(validating: document.utf8(at: field), as: UTF8.self), let key = Key(stringValue: name) { keys.append(key) }
            field = document.end(of: field + 1)
        }
        return keys
    }

    /// The index of the value whose name is `key`.
    @inline(__always)
    private func find(_ key: some CodingKey) -> Int? {
        var name = key.stringValue
        return name.withUTF8 { find(UnsafeRawBufferPointer($0)) }
    }

    private func find(_ name: UnsafeRawBufferPointer) -> Int? {
        let start = Int(document.tape[end])
        return find(name, from: start, to: end) ?? find(name, from: object + 1, to: start)
    }

    private func find(_ name: UnsafeRawBufferPointer, from start: Int, to limit: Int) -> Int? {
        var field = start
        while field < limit {
            let next = document.end(of: field + 1)
            if document.utf8(at: field).holdsSameBytes(as: name) {
                document.tape[end] = UInt64(next)
                return field + 1
            }
            field = next
        }
        return nil
    }

    @inline(__always)
    private func value(_ key: some CodingKey) throws -> Int {
        guard let index = find(key) else { throw document.missing(key, in: object) }
        return index
    }

    /// The value whose name is `key`, unless it is null.
    @inline(__always)
    private func present(_ key: some CodingKey) -> Int? {
        guard let index = find(key), !document.isNull(at: index) else { return nil }
        return index
    }

    func contains(_ key: Key) -> Bool { find(key) != nil }
    func decodeNil(forKey key: Key) throws -> Bool { document.isNull(at: try value(key)) }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) throws -> KeyedDecodingContainer<Nested> {
        KeyedDecodingContainer(try JSONFields<Nested>(document, try value(key)))
    }
    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer { try JSONElements(document, try value(key)) }
    func superDecoder() throws -> any Decoder { JSONDecoding(document: document, index: try value(JSONKey.super)) }
    func superDecoder(forKey key: Key) throws -> any Decoder { JSONDecoding(document: document, index: try value(key)) }

    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try document.bool(at: try value(key)) }
    func decode(_ type: String.Type, forKey key: Key) throws -> String { try document.string(at: try value(key)) }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try document.double(at: try value(key)) }
    func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try document.float(at: try value(key)) }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try document.integer(type, at: try value(key)) }
    func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try document.integer(type, at: try value(key)) }
    func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try document.integer(type, at: try value(key)) }
    func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try document.integer(type, at: try value(key)) }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try document.integer(type, at: try value(key)) }
    func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try document.integer(type, at: try value(key)) }
    func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try document.integer(type, at: try value(key)) }
    func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try document.integer(type, at: try value(key)) }
    func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try document.integer(type, at: try value(key)) }
    func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try document.integer(type, at: try value(key)) }
    func decode(_ type: Int128.Type, forKey key: Key) throws -> Int128 { try document.integer(type, at: try value(key)) }
    func decode(_ type: UInt128.Type, forKey key: Key) throws -> UInt128 { try document.integer(type, at: try value(key)) }
    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value { try document.value(type, at: try value(key)) }

    func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? { try present(key).map { try document.bool(at: $0) } }
    func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? { try present(key).map { try document.string(at: $0) } }
    func decodeIfPresent(_ type: Double.Type, forKey key: Key) throws -> Double? { try present(key).map { try document.double(at: $0) } }
    func decodeIfPresent(_ type: Float.Type, forKey key: Key) throws -> Float? { try present(key).map { try document.float(at: $0) } }
    func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? { try present(key).map { try document.integer(type, at: $0) } }
    func decodeIfPresent(_ type: Int8.Type, forKey key: Key) throws -> Int8? { try present(key).map { try document.integer(type, at: $0) } }
    func decodeIfPresent(_ type: Int16.Type, forKey key: Key) throws -> Int16? {
        try present(key).map { try document.integer(type, at: $0) }
    }
    func decodeIfPresent(_ type: Int32.Type, forKey key: Key) throws -> Int32? {
        try present(key).map { try document.integer(type, at: $0) }
    }
    func decodeIfPresent(_ type: Int64.Type, forKey key: Key) throws -> Int64? {
        try present(key).map { try document.integer(type, at: $0) }
    }
    func decodeIfPresent(_ type: UInt.Type, forKey key: Key) throws -> UInt? { try present(key).map { try document.integer(type, at: $0) } }
    func decodeIfPresent(_ type: UInt8.Type, forKey key: Key) throws -> UInt8? {
        try present(key).map { try document.integer(type, at: $0) }
    }
    func decodeIfPresent(_ type: UInt16.Type, forKey key: Key) throws -> UInt16? {
        try present(key).map { try document.integer(type, at: $0) }
    }
    func decodeIfPresent(_ type: UInt32.Type, forKey key: Key) throws -> UInt32? {
        try present(key).map { try document.integer(type, at: $0) }
    }
    func decodeIfPresent(_ type: UInt64.Type, forKey key: Key) throws -> UInt64? {
        try present(key).map { try document.integer(type, at: $0) }
    }
    func decodeIfPresent(_ type: Int128.Type, forKey key: Key) throws -> Int128? {
        try present(key).map { try document.integer(type, at: $0) }
    }
    func decodeIfPresent(_ type: UInt128.Type, forKey key: Key) throws -> UInt128? {
        try present(key).map { try document.integer(type, at: $0) }
    }
    func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? {
        try present(key).map { try document.value(type, at: $0) }
    }
}

extension UnsafeRawBufferPointer {
    /// Names are short, so a loop beats a call.
    @inline(__always)
    fileprivate func holdsSameBytes(as other: UnsafeRawBufferPointer) -> Bool {
        guard count == other.count else { return false }
        var place = 0
        while place + 8 <= count {
            if loadUnaligned(fromByteOffset: place, as: UInt64.self) != other.loadUnaligned(fromByteOffset: place, as: UInt64.self) {
                return false
            }
            place += 8
        }
        while place < count {
            if self[place] != other[place] { return false }
            place += 1
        }
        return true
    }
}
