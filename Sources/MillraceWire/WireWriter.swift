import MillraceCore
import MillraceFormats

/// Writes the fields of Kafka's requests in their flexible encoding: big-endian numbers, lengths as varints one too high with 0 for null, and tagged fields, of which we send none.
package struct WireWriter {
    let buffer: ByteBuffer

    /// A writer that appends to `buffer`.
    package init(_ buffer: ByteBuffer) { self.buffer = buffer }

    func boolean(_ value: Bool) { buffer.append(value ? 1 : 0) }
    func int8(_ value: Int8) { buffer.append(UInt8(bitPattern: value)) }
    func int16(_ value: Int16) { buffer.append(bigEndian: value) }
    func uint16(_ value: UInt16) { buffer.append(bigEndian: value) }
    func int32(_ value: Int32) { buffer.append(bigEndian: value) }
    func int64(_ value: Int64) { buffer.append(bigEndian: value) }

    func uuid(_ id: TopicID) {
        buffer.append(bigEndian: id.high)
        buffer.append(bigEndian: id.low)
    }

    func unsignedVarint(_ value: UInt64) {
        let start = buffer.reserve(Varint.maximumLength)
        buffer.commit(Varint.write(value, to: start) - start)
    }

    func string(_ text: String) {
        unsignedVarint(UInt64(text.utf8.count + 1))
        buffer.append(utf8: text)
    }

    func nullableString(_ text: String?) {
        if let text { string(text) } else { unsignedVarint(0) }
    }

    /// A string as requests before the flexible encoding have it; no longer than 32,767 bytes.
    func legacyString(_ text: String) {
        int16(Int16(clamping: text.utf8.count))
        buffer.append(utf8: text)
    }

    func bytes(_ bytes: [UInt8]) {
        unsignedVarint(UInt64(bytes.count + 1))
        buffer.append(bytes)
    }

    func array<Element>(_ elements: some Collection<Element>, _ write: (Element) -> Void) {
        unsignedVarint(UInt64(elements.count + 1))
        for element in elements { write(element) }
    }

    func nullableArray<Element>(_ elements: (some Collection<Element>)?, _ write: (Element) -> Void) {
        if let elements { array(elements, write) } else { unsignedVarint(0) }
    }

    /// The end of a structure: no tagged fields.
    func noTags() { unsignedVarint(0) }
}
