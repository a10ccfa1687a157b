import Foundation
import MillraceCommandLine
import MillraceCore
import MillraceJSON

/// How keys and values are written on a command line and printed.
enum ByteFormat: String, CaseIterable {
    case text, json, hex, base64, int64, int32, double, none

    static let names = allCases.map(\.rawValue).joined(separator: ", ")

    /// The format that an option names.
    static func of(_ option: String, _ arguments: ParsedArguments) throws -> ByteFormat {
        guard let name = arguments[option] else { return .text }
        guard let format = ByteFormat(rawValue: name) else { throw CommandLineError("--\(option) is one of \(names), not \"\(name)\".") }
        return format
    }

    /// The bytes that `text` stands for.
    ///
    /// - Throws: `MillraceError` of kind `serialization` when it is not of this format.
    func bytes(_ text: String) throws -> [UInt8]? {
        switch self {
        case .text: return Array(text.utf8)
        case .json:
            let bytes = Array(text.utf8)
            guard ByteFormat.isJSON(bytes) else { throw refusal(text, "JSON") }
            return bytes
        case .hex:
            let digits = text.filter { !$0.isWhitespace }
            guard digits.count % 2 == 0, let bytes = ByteFormat.hexBytes(digits) else { throw refusal(text, "pairs of hexadecimal digits") }
            return bytes
        case .base64:
            guard let data = Data(base64Encoded: text) else { throw refusal(text, "base64") }
            return Array(data)
        case .int64: return try number(text, Int64.self)
        case .int32: return try number(text, Int32.self)
        case .double:
            guard let value = Double(text) else { throw refusal(text, "a number") }
            return try Double.serde.bytes(of: value)
        case .none: return nil
        }
    }

    /// What to print for bytes; bytes that are not of this format are shown in hexadecimal behind `0x`.
    func text(_ bytes: UnsafeRawBufferPointer?) -> String {
        guard let bytes else { return "null" }
        switch self {
        case .text, .json:
            guard let text = String(validating: bytes, as: UTF8.self) else { return "0x" + ByteFormat.hex(bytes) }
            return text
        case .hex: return ByteFormat.hex(bytes)
        case .base64: return Data(bytes).base64EncodedString()
        case .int64: return bytes.count == 8 ? "\(bytes.loadBigEndian(as: Int64.self))" : "0x" + ByteFormat.hex(bytes)
        case .int32: return bytes.count == 4 ? "\(bytes.loadBigEndian(as: Int32.self))" : "0x" + ByteFormat.hex(bytes)
        case .double:
            return bytes.count == 8 ? "\(Double(bitPattern: bytes.loadBigEndian(as: UInt64.self)))" : "0x" + ByteFormat.hex(bytes)
        case .none: return ""
        }
    }

    /// The same as a JSON value; bytes that are not of this format become `{"hex": …}`.
    func json(_ bytes: UnsafeRawBufferPointer?) -> JSONText {
        guard let bytes else { return .null }
        let broken = JSONText.object([("hex", .string(ByteFormat.hex(bytes)))])
        switch self {
        case .text: return String(validating: bytes, as: UTF8.self).map { .string($0) } ?? broken
        case .json: return ByteFormat.isJSON(Array(bytes)) ? .verbatim(String(decoding: bytes, as: UTF8.self)) : broken
        case .hex, .base64: return .string(text(bytes))
        case .int64: return bytes.count == 8 ? .integer(bytes.loadBigEndian()) : broken
        case .int32: return bytes.count == 4 ? .integer(Int64(bytes.loadBigEndian(as: Int32.self))) : broken
        case .double: return bytes.count == 8 ? .number(Double(bitPattern: bytes.loadBigEndian(as: UInt64.self))) : broken
        case .none: return .null
        }
    }

    private func number<Number: FixedWidthInteger & Sendable>(_ text: String, _ type: Number.Type) throws -> [UInt8]? {
        guard let value = Number(text) else { throw refusal(text, "a whole number of \(MemoryLayout<Number>.size) bytes") }
        return try Serde<Number>.bigEndian.bytes(of: value)
    }

    private func refusal(_ text: String, _ expected: String) -> MillraceError {
        MillraceError(.serialization, "\"\(text.prefix(80))\" is not \(expected), which the format \(rawValue) takes.")
    }

    static func hex(_ bytes: UnsafeRawBufferPointer) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    private static func hexBytes(_ digits: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        var high: UInt8?
        for digit in digits {
            guard let value = digit.hexDigitValue, digit.isASCII else { return nil }
            if let first = high {
                bytes.append(first << 4 | UInt8(value))
                high = nil
            } else {
                high = UInt8(value)
            }
        }
        return bytes
    }

    private static func isJSON(_ bytes: [UInt8]) -> Bool {
        (try? Serde<AnyJSON>.json().value(of: bytes)) != nil && !bytes.contains(UInt8(ascii: "\n"))
    }
}

/// Any JSON value, of which only that it is one matters.
private struct AnyJSON: Codable, Sendable {
    init(from decoder: any Decoder) throws {
        if let object = try? decoder.container(keyedBy: AnyKey.self) {
            for key in object.allKeys { _ = try object.decode(AnyJSON.self, forKey: key) }
        } else if var array = try? decoder.unkeyedContainer() {
            while !array.isAtEnd { _ = try array.decode(AnyJSON.self) }
        } else {
            let value = try decoder.singleValueContainer()
            if value.decodeNil() { return }
            if (try? value.decode(Bool.self)) != nil || (try? value.decode(Double.self)) != nil { return }
            _ = try value.decode(String.self)
        }
    }

    func encode(to encoder: any Encoder) throws {}
}

private struct AnyKey: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}
