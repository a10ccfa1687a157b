/// A value that tells of itself, as the encoder that `encode(to:)` is given and as a container of one value.
///
/// Small enough that an existential holds it without an allocation.
struct JSONEncoding: Encoder, SingleValueEncodingContainer {
    let writer: JSONWriter
    /// How deep the value is nested, by which the writer knows whether it is still this value's turn.
    let depth: Int

    var codingPath: [any CodingKey] { writer.path }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        KeyedEncodingContainer(JSONFieldWriter<Key>(self))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer { JSONElementWriter(self) }
    func singleValueContainer() -> any SingleValueEncodingContainer { self }

    func encodeNil() throws { try writer.single(depth: depth) { writer.buffer.append(utf8: "null") } }
    func encode(_ value: Bool) throws { try writer.single(depth: depth) { writer.buffer.append(utf8: value ? "true" : "false") } }
    func encode(_ value: String) throws { try writer.single(depth: depth) { writer.buffer.append(jsonText: value) } }
    func encode(_ value: Double) throws { try writer.single(depth: depth) { try writer.number(value, at: nil) } }
    func encode(_ value: Float) throws { try writer.single(depth: depth) { try writer.number(value, at: nil) } }
    func encode(_ value: Int) throws { try writer.single(depth: depth) { writer.buffer.append(decimal: value) } }
    func encode(_ value: Int8) throws { try writer.single(depth: depth) { writer.buffer.append(decimal: value) } }
    func encode(_ value: Int16) throws { try writer.single(depth: depth) { writer.buffer.append(decimal: value) } }
    func encode(_ value: Int32) throws { try writer.single(depth: depth) { writer.buffer.append(decimal: value) } }
    func encode(_ value: Int64) throws { try writer.single(depth: depth) { writer.buffer.append(decimal: value) } }
    func encode(_ value: UInt) throws { try writer.single(depth: depth) { writer.buffer.append(decimal: value) } }
    func encode(_ value: UInt8) throws { try writer.single(depth: depth) { writer.buffer.append(decimal: value) } }
    func encode(_ value: UInt16) throws { try writer.single(depth: depth) { writer.buffer.append(decimal: value) } }
    func encode(_ value: UInt32) throws { try writer.single(depth: depth) { writer.buffer.append(decimal: value) } }
    func encode(_ value: UInt64) throws { try writer.single(depth: depth) { writer.buffer.append(decimal: value) } }
    func encode(_ value: Int128) throws { try writer.single(depth: depth) { writer.buffer.append(decimal: value) } }
    func encode(_ value: UInt128) throws { try writer.single(depth: depth) { writer.buffer.append(decimal: value) } }
    func encode<Value: Encodable>(_ value: Value) throws { try writer.single(depth: depth) { try writer.value(value, at: nil) } }
}
