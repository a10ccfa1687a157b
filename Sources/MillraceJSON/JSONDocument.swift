import CSimdJSON
import MillraceCore

/// A JSON text as simdjson parsed it: a tape of 64-bit words, of which each value takes one or more.
///
/// A word has its kind in the top byte and a payload below. A number is followed by a word with its bits; the payload of a string is where its bytes are;
/// that of an opening bracket holds the index behind the closing one in its low half. The index of a value's first word stands for the value everywhere here.
final class JSONDocument {
    let tape: UnsafeMutablePointer<UInt64>
    private let strings: UnsafeRawPointer
    private let parser: OpaquePointer
    /// Where the last search for the place of an array's element ended, so that an array full of errors takes no quadratic time.
    var lastPlace = (array: 0, element: 0, position: 0)

    /// The index of the outermost value.
    static let root = 1

    init(_ bytes: UnsafeRawBufferPointer) throws {
        guard let parser = millrace_json_borrow() else {
            throw MillraceError(.serialization, "there is no memory left to parse JSON")
        }
        var text = millrace_json_text()
        let code = millrace_json_parse(parser, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count, &text)
        guard code == 0, let tape = text.tape, let strings = text.strings else {
            millrace_json_give_back(parser)
            throw MillraceError(.serialization, "not JSON: \(String(cString: millrace_json_error(code))) (in \(bytes.count) bytes)")
        }
        self.parser = parser
        self.tape = tape
        self.strings = UnsafeRawPointer(strings)
    }

    deinit {
        millrace_json_give_back(parser)
    }

    /// Parses `bytes` and reads a value from them.
    static func read<Value: Decodable>(_ type: Value.Type, from bytes: UnsafeRawBufferPointer) throws -> Value {
        let document = try JSONDocument(bytes)
        do {
            return try document.value(type, at: root)
        } catch let error as DecodingError {
            throw error.explained
        }
    }

    @inline(__always)
    func kind(at index: Int) -> JSONKind {
        JSONKind(rawValue: UInt8(truncatingIfNeeded: tape[index] >> 56))
    }

    /// The index behind the value at `index`.
    @inline(__always)
    func end(of index: Int) -> Int {
        switch kind(at: index) {
        case .object, .array: Int(UInt32(truncatingIfNeeded: tape[index]))
        case .integer, .unsigned, .double: index + 2
        default: index + 1
        }
    }

    /// The UTF-8 of the string at `index`, valid as long as the document. It may hold half of a surrogate pair, which is not UTF-8.
    @inline(__always)
    func utf8(at index: Int) -> UnsafeRawBufferPointer {
        let start = strings + Int(tape[index] & 0x00FF_FFFF_FFFF_FFFF)
        let count = Int(start.loadUnaligned(as: UInt32.self))
        return UnsafeRawBufferPointer(start: start + 4, count: count)
    }
}

/// What a value is: the letter that simdjson has for it on its tape.
struct JSONKind: RawRepresentable, Equatable {
    let rawValue: UInt8

    static let object = JSONKind(rawValue: UInt8(ascii: "{"))
    static let array = JSONKind(rawValue: UInt8(ascii: "["))
    static let string = JSONKind(rawValue: UInt8(ascii: "\""))
    /// Fits `Int64`.
    static let integer = JSONKind(rawValue: UInt8(ascii: "l"))
    /// Fits `UInt64` only.
    static let unsigned = JSONKind(rawValue: UInt8(ascii: "u"))
    static let double = JSONKind(rawValue: UInt8(ascii: "d"))
    static let `true` = JSONKind(rawValue: UInt8(ascii: "t"))
    static let `false` = JSONKind(rawValue: UInt8(ascii: "f"))
    static let null = JSONKind(rawValue: UInt8(ascii: "n"))

    /// The kind in words, as in "found a string".
    var words: String {
        switch self {
        case .object: "an object"
        case .array: "an array"
        case .string: "a string"
        case .integer, .unsigned, .double: "a number"
        case .true, .false: "a boolean"
        default: "null"
        }
    }
}
