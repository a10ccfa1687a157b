import MillraceCore
import MillraceJSON
import Testing

@Suite struct EncodingTests {
    @Test func theTextIsAsPlainAsItGets() throws {
        let payment = Payment(id: "a/\"b\"", amount: 0.1, currency: "€\u{1}", cents: -12, at: 1, retry: false, note: nil, score: 0.5)
        #expect(try text(payment) == #"{"id":"a/\"b\"","amount":0.1,"currency":"€\u0001","cents":-12,"at":1,"retry":false,"score":0.5}"#)
    }

    @Test func numbersWithoutAFormAreNamed() throws {
        let order = Order(
            payment: Payment(id: "", amount: .nan, currency: "", cents: 0, at: 0, retry: true, note: nil, score: 0), lines: [])
        let error = try #require(throws: MillraceError.self) { try text(order) }
        #expect(error.kind == .serialization)
        #expect(error.message.hasPrefix("payment.amount: nan has no form in JSON"))
        #expect(throws: MillraceError.self) { try text([Float.infinity]) }
    }

    @Test func aFailedWriteLeavesTheBufferAsItWas() throws {
        let buffer = ByteBuffer()
        buffer.append(7)
        #expect(throws: MillraceError.self) { try Serde<[Double]>.json().write([1, .nan], to: buffer) }
        #expect(Array(buffer.bytes) == [7])
    }

    @Test func containersMayBeFilledInAnyOrder() throws {
        #expect(try text(Interleaved()) == #"{"a":{"one":1,"two":[2,{}]},"n":0,"b":[10,{"deep":true},20],"super":5}"#)
    }

    @Test func aFieldThatFailsIsLeftOut() throws {
        #expect(try text(Forgiving()) == #"{"first":1,"last":[]}"#)
    }

    @Test func aContainerOfTwoShapesIsAnError() throws {
        let error = try #require(throws: MillraceError.self) { try text(TwoShapes()) }
        #expect(error.message.contains("in two ways"))
    }

    @Test func depthIsBounded() throws {
        var tree = Tree.null
        for _ in 0..<2000 { tree = .list([tree]) }
        let error = try #require(throws: MillraceError.self) { try text(tree) }
        #expect(error.message.contains("512 deep"))
    }

    private func text<Value: Codable & SendableMetatype>(_ value: Value) throws -> String {
        String(decoding: try Serde<Value>.json().bytes(of: value) ?? [], as: UTF8.self)
    }
}

private enum Keys: CodingKey { case a, b, n, one, two, deep, first, bad, last }

private struct Interleaved: Codable {
    init() {}
    init(from decoder: any Decoder) throws {}

    func encode(to encoder: any Encoder) throws {
        var outer = encoder.container(keyedBy: Keys.self)
        var a = outer.nestedContainer(keyedBy: Keys.self, forKey: .a)
        try outer.encode(0, forKey: .n)
        var b = outer.nestedUnkeyedContainer(forKey: .b)
        let last = outer.superEncoder()
        try b.encode(10)
        try a.encode(1, forKey: .one)
        var two = a.nestedUnkeyedContainer(forKey: .two)
        var deep = b.nestedContainer(keyedBy: Keys.self)
        try b.encode(20)
        try two.encode(2)
        try deep.encode(true, forKey: .deep)
        _ = two.superEncoder()
        try 5.encode(to: last)
    }
}

private struct Forgiving: Codable {
    init() {}
    init(from decoder: any Decoder) throws {}

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(1, forKey: .first)
        try? container.encode([1, .nan, 2], forKey: .bad)
        try container.encode([Int](), forKey: .last)
    }
}

private struct TwoShapes: Codable {
    init() {}
    init(from decoder: any Decoder) throws {}

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(1, forKey: .first)
        var list = encoder.unkeyedContainer()
        try list.encode(2)
    }
}
