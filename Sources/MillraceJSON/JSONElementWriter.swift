/// The elements of an array that is being written.
struct JSONElementWriter: UnkeyedEncodingContainer {
    private let writer: JSONWriter
    private let depth: Int

    init(_ encoding: JSONEncoding) {
        writer = encoding.writer
        depth = encoding.depth
        writer.open(.array, depth: depth)
    }

    var codingPath: [any CodingKey] { writer.path }
    var count: Int { writer.count(depth: depth) }
    private var key: JSONKey { JSONKey(count - 1) }

    func encodeNil() throws { try writer.element(depth: depth) { writer.buffer.append(utf8: "null") } }
    func encode(_ value: Bool) throws { try writer.element(depth: depth) { writer.buffer.append(utf8: value ? "true" : "false") } }
    func encode(_ value: String) throws { try writer.element(depth: depth) { writer.buffer.append(jsonText: value) } }
    func encode(_ value: Double) throws { try writer.element(depth: depth) { try writer.number(value, at: key) } }
    func encode(_ value: Float) throws { try writer.element(depth: depth) { try writer.number(value, at: key) } }
    func encode(_ value: Int) throws { try writer.element(depth: depth) { writer.buffer.append(decimal: value) } }
    func encode(_ value: Int8) throws { try writer.element(depth: depth) { writer.buffer.append(decimal: value) } }
    func encode(_ value: Int16) throws { try writer.element(depth: depth) { writer.buffer.append(decimal: value) } }
    func encode(_ value: Int32) throws { try writer.element(depth: depth) { writer.buffer.append(decimal: value) } }
    func encode(_ value: Int64) throws { try writer.element(depth: depth) { writer.buffer.append(decimal: value) } }
    func encode(_ value: UInt) throws { try writer.element(depth: depth) { writer.buffer.append(decimal: value) } }
    func encode(_ value: UInt8) throws { try writer.element(depth: depth) { writer.buffer.append(decimal: value) } }
    func encode(_ value: UInt16) throws { try writer.element(depth: depth) { writer.buffer.append(decimal: value) } }
    func encode(_ value: UInt32) throws { try writer.element(depth: depth) { writer.buffer.append(decimal: value) } }
    func encode(_ value: UInt64) throws { try writer.element(depth: depth) { writer.buffer.append(decimal: value) } }
    func encode(_ value: Int128) throws { try writer.element(depth: depth) { writer.buffer.append(decimal: value) } }
    func encode(_ value: UInt128) throws { try writer.element(depth: depth) { writer.buffer.append(decimal: value) } }
    func encode<Value: Encodable>(_ value: Value) throws {
        try writer.element(depth: depth) { try writer.value(value, at: key) }
    }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> { hole().container(keyedBy: type) }
    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { hole().unkeyedContainer() }
    func superEncoder() -> any Encoder { hole() }

    private func hole() -> JSONEncoding {
        writer.hole(at: JSONKey(count)) { hole in try writer.element(depth: depth, hole) }
    }
}
