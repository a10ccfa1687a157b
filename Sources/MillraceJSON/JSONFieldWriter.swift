/// The fields of an object that is being written, in the order in which they are told.
struct JSONFieldWriter<Key: CodingKey>: KeyedEncodingContainerProtocol {
    private let writer: JSONWriter
    private let depth: Int

    init(_ encoding: JSONEncoding) {
        writer = encoding.writer
        depth = encoding.depth
        writer.open(.object, depth: depth)
    }

    var codingPath: [any CodingKey] { writer.path }

    func encodeNil(forKey key: Key) throws { try writer.field(key, depth: depth) { writer.buffer.append(utf8: "null") } }
    func encode(_ value: Bool, forKey key: Key) throws {
        try writer.field(key, depth: depth) { writer.buffer.append(utf8: value ? "true" : "false") }
    }
    func encode(_ value: String, forKey key: Key) throws { try writer.field(key, depth: depth) { writer.buffer.append(jsonText: value) } }
    func encode(_ value: Double, forKey key: Key) throws { try writer.field(key, depth: depth) { try writer.number(value, at: key) } }
    func encode(_ value: Float, forKey key: Key) throws { try writer.field(key, depth: depth) { try writer.number(value, at: key) } }
    func encode(_ value: Int, forKey key: Key) throws { try writer.field(key, depth: depth) { writer.buffer.append(decimal: value) } }
    func encode(_ value: Int8, forKey key: Key) throws { try writer.field(key, depth: depth) { writer.buffer.append(decimal: value) } }
    func encode(_ value: Int16, forKey key: Key) throws { try writer.field(key, depth: depth) { writer.buffer.append(decimal: value) } }
    func encode(_ value: Int32, forKey key: Key) throws { try writer.field(key, depth: depth) { writer.buffer.append(decimal: value) } }
    func encode(_ value: Int64, forKey key: Key) throws { try writer.field(key, depth: depth) { writer.buffer.append(decimal: value) } }
    func encode(_ value: UInt, forKey key: Key) throws { try writer.field(key, depth: depth) { writer.buffer.append(decimal: value) } }
    func encode(_ value: UInt8, forKey key: Key) throws { try writer.field(key, depth: depth) { writer.buffer.append(decimal: value) } }
    func encode(_ value: UInt16, forKey key: Key) throws { try writer.field(key, depth: depth) { writer.buffer.append(decimal: value) } }
    func encode(_ value: UInt32, forKey key: Key) throws { try writer.field(key, depth: depth) { writer.buffer.append(decimal: value) } }
    func encode(_ value: UInt64, forKey key: Key) throws { try writer.field(key, depth: depth) { writer.buffer.append(decimal: value) } }
    func encode(_ value: Int128, forKey key: Key) throws { try writer.field(key, depth: depth) { writer.buffer.append(decimal: value) } }
    func encode(_ value: UInt128, forKey key: Key) throws { try writer.field(key, depth: depth) { writer.buffer.append(decimal: value) } }
    func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
        try writer.field(key, depth: depth) { try writer.value(value, at: key) }
    }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) -> KeyedEncodingContainer<Nested> {
        hole(key).container(keyedBy: type)
    }
    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer { hole(key).unkeyedContainer() }
    func superEncoder() -> any Encoder { hole(JSONKey.super) }
    func superEncoder(forKey key: Key) -> any Encoder { hole(key) }

    private func hole(_ key: some CodingKey) -> JSONEncoding {
        writer.hole(at: key) { hole in try writer.field(key, depth: depth, hole) }
    }
}
