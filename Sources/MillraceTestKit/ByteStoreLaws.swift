import MillraceCore

/// Checks that a byte store does what `ByteStore` promises, by doing the same random things to it and to a plain dictionary.
///
///     try ByteStoreLaws(seed: 7).check(MyStore())
///
/// The same seed does the same things. Keys are short and made of few different bytes, so that they meet often; they include the empty key and bytes above 127.
public struct ByteStoreLaws {
    /// The first difference between a store and the law, in words.
    public struct Violation: Error, CustomStringConvertible {
        public let description: String
    }

    /// The start of the sequence of random numbers.
    public let seed: UInt64
    /// How many batches are written, with reads in between.
    public let rounds: Int

    /// A check of so many rounds of random calls; the same seed makes the same calls.
    public init(seed: UInt64, rounds: Int = 200) {
        self.seed = seed
        self.rounds = rounds
    }

    /// Does random things to an empty store, and leaves it with whatever was written last.
    ///
    /// - Throws: `Violation` at the first thing that differs; whatever the store throws.
    public func check(_ store: any ByteStore) throws {
        var run = Run(store: store, random: SeededNumbers(state: seed))
        for round in 0..<rounds {
            do {
                try run.writeBatch()
                try run.checkGets()
                try run.checkCursor()
                try run.checkSnapshot()
                if round % 16 == 15 { try store.flush() }
            } catch let violation as Violation {
                throw Violation(description: "seed \(seed), round \(round): \(violation)")
            }
        }
        try run.checkEverything()
    }

    /// Compares all entries of the store with `expected`, in order.
    ///
    /// - Throws: `Violation` at the first difference.
    public static func check(_ store: any ByteStore, holds expected: [(key: [UInt8], value: [UInt8])]) throws {
        let cursor = try store.cursor(from: UnsafeRawBufferPointer(start: nil, count: 0), to: nil)
        for (index, entry) in expected.enumerated() {
            guard try cursor.next() else { throw Violation(description: "the store ends before entry \(index), key \(entry.key)") }
            try expect(Array(cursor.key), entry.key, "key of entry \(index)")
            try expect(Array(cursor.value), entry.value, "value of entry \(index), key \(entry.key)")
        }
        if try cursor.next() { throw Violation(description: "key \(Array(cursor.key)) should not be in the store") }
    }

    fileprivate static func expect<Thing: Equatable>(_ found: Thing, _ expected: Thing, _ what: @autoclosure () -> String) throws {
        if found != expected { throw Violation(description: "\(what()): expected \(expected), found \(found)") }
    }
}

private struct Run {
    let store: any ByteStore
    var random: SeededNumbers
    var model: [[UInt8]: [UInt8]] = [:]

    mutating func writeBatch() throws {
        let batch = store.makeBatch()
        let size = Int.random(in: 0...12, using: &random)
        for _ in 0..<size { change(batch) }
        try ByteStoreLaws.expect(batch.count, size, "the batch's count before the write")
        try store.write(batch)
        try ByteStoreLaws.expect(batch.count, 0, "the batch's count after the write")
    }

    private mutating func change(_ batch: any ByteStoreBatch) {
        let key = randomKey()
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<6:
            let value = randomBytes(upTo: 40)
            withBytes(key, value) { batch.put($0, $1) }
            model[key] = value
        case 6..<9:
            key.withUnsafeBytes { batch.delete($0) }
            model[key] = nil
        default:
            // Half of these ranges run backwards, and delete nothing.
            let upper = randomKey()
            withBytes(key, upper) { batch.deleteRange(from: $0, to: $1) }
            model = model.filter { $0.key.lexicographicallyPrecedes(key) || !$0.key.lexicographicallyPrecedes(upper) }
        }
    }

    mutating func checkGets() throws {
        for _ in 0..<4 {
            let key = randomKey()
            let buffer = ByteBuffer()
            buffer.append(0xAA)
            let found = try key.withUnsafeBytes { try store.get($0, into: buffer) }
            try ByteStoreLaws.expect(found, model[key] != nil, "get of \(key) finds something")
            try ByteStoreLaws.expect(Array(buffer.bytes), [0xAA] + (model[key] ?? []), "the buffer after a get of \(key)")
        }
    }

    /// Moves a cursor over a random range back and forth.
    mutating func checkCursor() throws {
        let lower = randomKey()
        let upper = Bool.random(using: &random) ? randomKey() : nil
        let expected = entries(from: lower, to: upper)
        let cursor = try makeCursor(lower, upper)
        var place: Int?
        var path = "cursor from \(lower) to \(upper.map(String.init(describing:)) ?? "the end")"
        for _ in 0..<12 {
            let found: Bool
            switch Int.random(in: 0..<5, using: &random) {
            case 0, 1:
                path += ", next"
                place = min((place ?? -1) + 1, expected.count)
                found = try cursor.next()
            case 2, 3:
                path += ", previous"
                place = max((place ?? expected.count) - 1, -1)
                found = try cursor.previous()
            default:
                let key = randomKey()
                path += ", seek \(key)"
                place = expected.firstIndex { !$0.key.lexicographicallyPrecedes(key) } ?? expected.count
                found = try key.withUnsafeBytes { try cursor.seek(to: $0) }
            }
            let entry = place.flatMap { expected.indices.contains($0) ? expected[$0] : nil }
            try ByteStoreLaws.expect(found, entry != nil, "\(path): there is an entry")
            if let entry {
                try ByteStoreLaws.expect(Array(cursor.key), entry.key, "\(path): the key")
                try ByteStoreLaws.expect(Array(cursor.value), entry.value, "\(path): the value")
            }
        }
    }

    /// A cursor must not see what is written after it was made.
    mutating func checkSnapshot() throws {
        let expected = entries(from: [], to: nil)
        let cursor = try makeCursor([], nil)
        try writeBatch()
        for entry in expected {
            guard try cursor.next() else {
                throw ByteStoreLaws.Violation(description: "a later write hides key \(entry.key) from a cursor")
            }
            try ByteStoreLaws.expect(Array(cursor.key), entry.key, "the key of a cursor older than the last write")
            try ByteStoreLaws.expect(Array(cursor.value), entry.value, "the value of a cursor older than the last write")
        }
        try ByteStoreLaws.expect(try cursor.next(), false, "a later write gives a cursor one more entry")
    }

    func checkEverything() throws {
        try ByteStoreLaws.check(store, holds: entries(from: [], to: nil))
    }

    private func entries(from lower: [UInt8], to upper: [UInt8]?) -> [(key: [UInt8], value: [UInt8])] {
        model.filter { entry in
            !entry.key.lexicographicallyPrecedes(lower) && upper.map { entry.key.lexicographicallyPrecedes($0) } ?? true
        }
        .sorted { $0.key.lexicographicallyPrecedes($1.key) }
        .map { (key: $0.key, value: $0.value) }
    }

    /// The bounds' memory is gone when this returns, as the protocol allows.
    private func makeCursor(_ lower: [UInt8], _ upper: [UInt8]?) throws -> any ByteStoreCursor {
        try lower.withUnsafeBytes { lower in
            guard let upper else { return try store.cursor(from: lower, to: nil) }
            return try upper.withUnsafeBytes { try store.cursor(from: lower, to: $0) }
        }
    }

    private mutating func randomKey() -> [UInt8] {
        let letters: [UInt8] = [0, 1, 127, 128, 255]
        return (0..<Int.random(in: 0...4, using: &random)).map { _ in letters[Int.random(in: 0..<5, using: &random)] }
    }

    private mutating func randomBytes(upTo count: Int) -> [UInt8] {
        (0..<Int.random(in: 0...count, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
    }

    private func withBytes(_ first: [UInt8], _ second: [UInt8], _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Void) {
        first.withUnsafeBytes { first in second.withUnsafeBytes { body(first, $0) } }
    }
}
