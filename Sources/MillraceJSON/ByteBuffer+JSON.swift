import MillraceCore

extension ByteBuffer {
    /// Appends a whole number in decimal digits.
    @inline(__always)
    func append<Number: FixedWidthInteger>(decimal number: Number) {
        let longest = 40
        let start = reserve(longest)
        var place = longest
        var rest = number.magnitude
        repeat {
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            place -= 1
            start.storeBytes(of: UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit), toByteOffset: place, as: UInt8.self)
            rest = quotient
        } while rest > 0
        if number < 0 {
            place -= 1
            start.storeBytes(of: UInt8(ascii: "-"), toByteOffset: place, as: UInt8.self)
        }
        start.copyMemory(from: start + place, byteCount: longest - place)
        commit(longest - place)
    }

    /// Appends `text` in quotes, with what JSON does not allow in a string escaped.
    @inline(__always)
    func append(jsonText text: String) {
        var text = text
        text.withUTF8 { append(quoted: UnsafeRawBufferPointer($0)) }
    }

    private func append(quoted utf8: UnsafeRawBufferPointer) {
        append(UInt8(ascii: "\""))
        var clean = 0
        for place in 0..<utf8.count {
            let byte = utf8[place]
            guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
            append(UnsafeRawBufferPointer(rebasing: utf8[clean..<place]))
            append(escaped: byte)
            clean = place + 1
        }
        append(UnsafeRawBufferPointer(rebasing: utf8[clean...]))
        append(UInt8(ascii: "\""))
    }

    private func append(escaped byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): append(utf8: "\\\"")
        case UInt8(ascii: "\\"): append(utf8: "\\\\")
        case 0x08: append(utf8: "\\b")
        case 0x09: append(utf8: "\\t")
        case 0x0A: append(utf8: "\\n")
        case 0x0C: append(utf8: "\\f")
        case 0x0D: append(utf8: "\\r")
        default: append(utf8: byte < 0x10 ? "\\u000" + String(byte, radix: 16) : "\\u00" + String(byte, radix: 16))
        }
    }
}
