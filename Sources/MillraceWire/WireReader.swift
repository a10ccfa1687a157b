import MillraceCore
import MillraceFormats

/// Reads the fields of Kafka's answers. Whatever comes, it stays inside the bytes, and makes room for no more than they can hold.
package struct WireReader {
    private let bytes: UnsafeRawBufferPointer
    private var place = 0

    /// A reader of one answer; `bytes` must stay valid while it is used.
    package init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// How many bytes have not been read.
    var remaining: Int { bytes.count - place }

    mutating func boolean() throws(MillraceError) -> Bool { try int8() != 0 }
    mutating func int8() throws(MillraceError) -> Int8 { try number() }
    mutating func int16() throws(MillraceError) -> Int16 { try number() }
    mutating func uint16() throws(MillraceError) -> UInt16 { try number() }
    mutating func int32() throws(MillraceError) -> Int32 { try number() }
    mutating func int64() throws(MillraceError) -> Int64 { try number() }

    mutating func uuid() throws(MillraceError) -> TopicID {
        TopicID(high: try number(), low: try number())
    }

    mutating func unsignedVarint() throws(MillraceError) -> UInt64 {
        guard let base = bytes.baseAddress else { throw WireReader.cutShort }
        var next = base + place
        guard let value = Varint.read(&next, end: base + bytes.count) else { throw WireReader.cutShort }
        place = next - base
        return value
    }

    mutating func nullableString() throws(MillraceError) -> String? {
        guard let slice = try nullableBytes() else { return nil }
        return String(decoding: slice, as: UTF8.self)
    }

    mutating func string() throws(MillraceError) -> String {
        guard let text = try nullableString() else { throw WireReader.unexpectedNull }
        return text
    }

    mutating func byteArray() throws(MillraceError) -> [UInt8] {
        guard let slice = try nullableBytes() else { throw WireReader.unexpectedNull }
        return Array(slice)
    }

    /// Elements of at least one byte each, `nil` for null.
    mutating func nullableArray<Element>(_ read: (inout WireReader) throws(MillraceError) -> Element) throws(MillraceError) -> [Element]? {
        let encoded = try unsignedVarint()
        guard encoded > 0 else { return nil }
        guard encoded - 1 <= UInt64(remaining) else { throw WireReader.cutShort }
        return try elements(Int(encoded - 1), read)
    }

    mutating func array<Element>(_ read: (inout WireReader) throws(MillraceError) -> Element) throws(MillraceError) -> [Element] {
        guard let elements = try nullableArray(read) else { throw WireReader.unexpectedNull }
        return elements
    }

    /// An array as answers before the flexible encoding have it.
    mutating func legacyArray<Element>(_ read: (inout WireReader) throws(MillraceError) -> Element) throws(MillraceError) -> [Element] {
        let count = try int32()
        guard count >= 0 else { throw WireReader.unexpectedNull }
        guard count <= remaining else { throw WireReader.cutShort }
        return try elements(Int(count), read)
    }

    /// A string as answers before the flexible encoding have it.
    mutating func legacyString() throws(MillraceError) -> String {
        let count = try int16()
        guard count >= 0 else { throw WireReader.unexpectedNull }
        return String(decoding: try slice(Int(count)), as: UTF8.self)
    }

    /// The end of a structure: skips what newer brokers say beside the fields that we know.
    mutating func skipTags() throws(MillraceError) {
        var count = try unsignedVarint()
        while count > 0 {
            _ = try unsignedVarint()
            let size = try unsignedVarint()
            guard size <= UInt64(remaining) else { throw WireReader.cutShort }
            place += Int(size)
            count -= 1
        }
    }

    private mutating func nullableBytes() throws(MillraceError) -> UnsafeRawBufferPointer? {
        let encoded = try unsignedVarint()
        guard encoded > 0 else { return nil }
        guard encoded - 1 <= UInt64(remaining) else { throw WireReader.cutShort }
        return try slice(Int(encoded - 1))
    }

    private mutating func slice(_ count: Int) throws(MillraceError) -> UnsafeRawBufferPointer {
        guard count <= remaining else { throw WireReader.cutShort }
        defer { place += count }
        return UnsafeRawBufferPointer(rebasing: bytes[place..<(place + count)])
    }

    private mutating func elements<Element>(
        _ count: Int, _ read: (inout WireReader) throws(MillraceError) -> Element
    ) throws(MillraceError) -> [Element] {
        // Not reserved: a byte on the wire may stand for an element of a hundred bytes in memory.
        var elements: [Element] = []
        for _ in 0..<count { elements.append(try read(&self)) }
        return elements
    }

    private mutating func number<Number: FixedWidthInteger>() throws(MillraceError) -> Number {
        let size = MemoryLayout<Number>.size
        guard size <= remaining else { throw WireReader.cutShort }
        defer { place += size }
        return bytes.loadBigEndian(at: place)
    }

    private static let cutShort = MillraceError(
        .corruption, "An answer ended in the middle of a field. Is the server at this address a Kafka broker of version 2.8 or later?")
    private static let unexpectedNull = MillraceError(
        .corruption, "An answer has a null where Kafka's protocol has none. Is the server at this address a Kafka broker?")
}
