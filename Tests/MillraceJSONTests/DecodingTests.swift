import MillraceCore
import MillraceJSON
import Testing

@Suite struct DecodingTests {
    private static let line = #"{"x":1,"y":2}"#

    @Test(arguments: [
        (#"{"payment":{"id":"a","amount":"12"}}"#, "payment.amount: expected a number, found a string"),
        (#"{"payment":{"id":7}}"#, "payment.id: expected a string, found a number"),
        (#"{"payment":{"id":null}}"#, "payment.id: expected a string, found null"),
        (#"{"payment":{"amount":1}}"#, #"payment: there is no "id""#),
        (#"{"lines":[]}"#, #"there is no "payment""#),
        (#"{"payment":[]}"#, "payment: expected an object, found an array"),
        ("[1]", "expected an object, found an array"),
        (#"{"payment":\#(payment),"lines":[\#(line),\#(line),{"x":1.5}]}"#, "lines[2].x: 1.5 is not a value of Int"),
        (#"{"payment":\#(payment),"lines":{}}"#, "lines: expected an array, found an object"),
    ])
    func errorsNameThePlace(json: String, message: String) throws {
        let error = try #require(throws: MillraceError.self) { try read(Order.self, json) }
        #expect(error.kind == .serialization)
        #expect(error.message == message)
    }

    private static let payment = #"{"id":"a","amount":1,"currency":"EUR","cents":1,"at":1,"retry":true,"score":1}"#

    @Test(arguments: [
        "", " ", "{", "[1,2", #"{"x":1,}"#, "[1 2]", "nul", "truee", "01", "1.", "-", "+1", "\"abc", "\"\\x\"", "\"\u{1}\"", "{} {}",
        "{\"a\" 1}", "NaN", "'a'",
        "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "1e999", "123456789012345678901234567890",
    ])
    func brokenTextIsRefused(json: String) throws {
        let error = try #require(throws: MillraceError.self) { try read(Tree.self, json) }
        #expect(error.kind == .serialization)
    }

    @Test func bytesThatAreNotUTF8AreRefused() throws {
        for bytes in [[0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xE6]] as [[UInt8]] {
            let error = try #require(throws: MillraceError.self) { try Serde<String>.json().value(of: bytes) }
            #expect(error.kind == .serialization)
        }
    }

    @Test func everyPrefixOfATextIsRefused() throws {
        let text = Array(Self.payment.utf8)
        for count in 0..<text.count { #expect(throws: MillraceError.self) { try Payment.serde.value(of: Array(text[..<count])) } }
    }

    @Test func damagedTextNeverCrashes() throws {
        var random = SeededNumbers(state: 3)
        for _ in 0..<3000 {
            var text = Array(Self.payment.utf8)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                text[Int.random(in: 0..<text.count, using: &random)] = .random(in: 0...255, using: &random)
            }
            _ = try? Payment.serde.value(of: text)
        }
    }

    @Test func integersMustFit() throws {
        #expect(try read(UInt8.self, "255") == 255)
        #expect(try read(Int.self, "3.0") == 3)
        #expect(try read(UInt64.self, "18446744073709551615") == .max)
        #expect(try read(Double.self, "18446744073709551615") == 0x1p64)
        #expect(throws: MillraceError.self) { try read(UInt8.self, "256") }
        #expect(throws: MillraceError.self) { try read(UInt.self, "-1") }
        #expect(throws: MillraceError.self) { try read(Int64.self, "18446744073709551615") }
        #expect(throws: MillraceError.self) { try read(Int.self, "1e300") }
        #expect(throws: MillraceError.self) { try read(Float.self, "1e300") }
    }

    @Test func escapesAreRead() throws {
        #expect(try read(String.self, #""\u00e9\ud83d\ude00\n\/\\\"\u0000""#) == "é😀\n/\\\"\0")
        #expect(try read(Pair.self, #"{"\u0078":5}"#) == Pair(x: 5, y: nil))
    }

    @Test func fieldsMayComeInAnyOrderAndBeUnknown() throws {
        #expect(try read(Pair.self, #"{"z":[{"x":9}],"y":2,"q":"x","x":1,"w":null}"#) == Pair(x: 1, y: 2))
        #expect(try read(Pair.self, #"{"y":null,"x":1}"#) == Pair(x: 1, y: nil))
    }

    @Test func depthIsBounded() throws {
        func nested(_ depth: Int) -> String { String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
        _ = try read(Tree.self, nested(400))
        #expect(throws: MillraceError.self) { try read(Tree.self, nested(600)) }
        #expect(throws: MillraceError.self) { try read(Tree.self, nested(100_000)) }
    }

    @Test func aTypeMayReadJSONInsideJSON() throws {
        struct Envelope: Codable {
            var payload: Pair
            init(from decoder: any Decoder) throws {
                let text = try decoder.singleValueContainer().decode([String].self)
                payload = try Pair.serde.value(of: Array(text[0].utf8))
                guard text[1] == "after" else { throw MillraceError(.serialization, "the outer text was lost") }
            }
        }
        #expect(try read(Envelope.self, #"["{\"x\":4}","after"]"#).payload.x == 4)
    }

    @Test func aKeptDecoderStaysValid() throws {
        final class Kept: Codable {
            let decoder: any Decoder
            init(from decoder: any Decoder) { self.decoder = decoder }
            func encode(to encoder: any Encoder) throws {}
        }
        let kept = try read(Kept.self, #""first""#)
        _ = try read(String.self, #""second""#)
        #expect(try String(from: kept.decoder) == "first")
    }

    @Test func manyErrorsInALongArrayTakeLinearTime() throws {
        let text = "[" + Array(repeating: "\"a\"", count: 50_000).joined(separator: ",") + "]"
        guard case .list(let elements) = try read(Tree.self, text) else { throw MillraceError(.serialization, "not a list") }
        #expect(elements.count == 50_000)
    }

    private func read<Value: Codable & SendableMetatype>(_ type: Value.Type, _ json: String) throws -> Value {
        try Serde<Value>.json().value(of: Array(json.utf8))
    }
}
