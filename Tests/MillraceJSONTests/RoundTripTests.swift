import Foundation
import MillraceCore
import MillraceJSON
import Testing

/// What we write, Foundation reads, and the other way round.
@Suite struct RoundTripTests {
    @Test func aFlatStruct() throws {
        try agree(Payment(id: "p-1", amount: 12.5, currency: "EUR", cents: -3, at: .max, retry: true, note: nil, score: 0.1))
        try agree(
            Payment(
                id: "", amount: -0.0, currency: "\u{0}\u{1F}\"\\/\n\t\u{8}\u{C}\r é 漢 👩‍👩‍👧", cents: .min, at: 0, retry: false, note: "",
                score: .leastNonzeroMagnitude))
    }

    @Test func scalarsAtTheRoot() throws {
        try agree(1)
        try agree("text")
        try agree(true)
        try agree(2.5)
        try agree(UInt64.max)
        try agree(Int64.min)
        try agree(Float.pi)
        try agree([Int8.min, .max])
    }

    @Test func collections() throws {
        try agree([Int]())
        try agree([[1], [], [2, 3]])
        try agree(["a": [1.5], "b": []])
        try agree([Int: String](uniqueKeysWithValues: [(1, "a"), (-2, "b")]))
        try agree([Color.red: 1, .green: 2])
        try agree([nil, 1, nil] as [Int?])
        try agree(["a": nil, "b": 2] as [String: Int?])
        try agree(Set(["x"]))
        try agree([Pair(x: 1, y: nil), Pair(x: 2, y: Pair(x: 3, y: nil).x)])
    }

    @Test func enumsWithValues() throws {
        try agree([Shape.circle(radius: 1.5), .named("x", 2), .empty, .group([.empty, .circle(radius: 0)])])
    }

    @Test func subclasses() throws {
        let dog = Dog(name: "Rex", tricks: 3)
        let ours = try #require(try Serde<Dog>.json().bytes(of: dog))
        #expect(String(decoding: ours, as: UTF8.self) == #"{"tricks":3,"super":{"name":"Rex"}}"#)
        let back = try Serde<Dog>.json().value(of: ours)
        #expect(back.name == "Rex" && back.tricks == 3)
        let merged = MergedDog(name: "Rex", tricks: 4)
        #expect(try text(merged) == #"{"name":"Rex","tricks":4}"#)
    }

    @Test func typesOfFoundation() throws {
        let all = Assets(
            data: Data([0, 255, 7]), url: try #require(URL(string: "https://example.org/a?b=c")), id: UUID(), price: 3,
            at: Date(timeIntervalSince1970: 1_700_000_000.125))
        let serde = Serde<Assets>.json()
        let bytes = try #require(try serde.bytes(of: all))
        #expect(try serde.value(of: bytes) == all)
        #expect(String(decoding: bytes, as: UTF8.self).contains(#""at":"2023-11-14T22:13:20.125Z""#))
    }

    @Test func nullIsKafkasNullForOptionals() throws {
        #expect(try Serde<Pair?>.json().bytes(of: nil) == nil)
        #expect(try Serde<Pair?>.json().value(of: nil) == nil)
        #expect(Pair.serde.name == "json")
        #expect(String.serde.name == "string")
        #expect(Int.serde.name == "Int")
    }

    @Test func randomDocumentsAgreeWithFoundation() throws {
        var random = SeededNumbers(state: 11)
        for _ in 0..<300 { try agree(Tree.random(depth: 5, &random)) }
    }

    @Test func randomNumbersComeBackExactly() throws {
        var random = SeededNumbers(state: 5)
        var numbers: [Double] = [.leastNonzeroMagnitude, .greatestFiniteMagnitude, 1e16, 1e22, 123_456_789_012_345_680]
        while numbers.count < 2000 {
            let number = Double(bitPattern: random.next())
            if number.isFinite { numbers.append(number) }
        }
        try agree(numbers)
        try agree((0..<2000).map { _ in Int64(truncatingIfNeeded: random.next()) >> Int64.random(in: 0..<63, using: &random) })
    }

    @Test func randomDatesComeBackExactly() throws {
        var random = SeededNumbers(state: 9)
        let formatter = ISO8601DateFormatter()
        for _ in 0..<500 {
            let date = Date(timeIntervalSinceReferenceDate: .random(in: -6e10...2e11, using: &random))
            let bytes = try #require(try Serde<Date>.json().bytes(of: date))
            #expect(try Serde<Date>.json().value(of: bytes) == date)
            let whole = Date(timeIntervalSinceReferenceDate: date.timeIntervalSinceReferenceDate.rounded())
            // Foundation's calendar is Julian before 1582.
            guard whole.timeIntervalSinceReferenceDate > -1.3e10 else { continue }
            #expect(try Serde<Date>.json().value(of: Array("\"\(formatter.string(from: whole))\"".utf8)) == whole)
        }
    }

    private func agree<Value: Codable & Equatable & SendableMetatype>(_ value: Value, sourceLocation: SourceLocation = #_sourceLocation)
        throws
    {
        let serde = Serde<Value>.json()
        let ours = try #require(try serde.bytes(of: value))
        #expect(try serde.value(of: ours) == value, sourceLocation: sourceLocation)
        #expect(try JSONDecoder().decode(Value.self, from: Data(ours)) == value, sourceLocation: sourceLocation)
        #expect(try serde.value(of: Array(JSONEncoder().encode(value))) == value, sourceLocation: sourceLocation)
    }

    private func text<Value: Codable & SendableMetatype>(_ value: Value) throws -> String {
        String(decoding: try #require(try Serde<Value>.json().bytes(of: value)), as: UTF8.self)
    }
}
