import MillraceCore
import MillraceTestKit
import Testing

@testable import MillraceStreams

@Suite struct VersionedStoreTests {
    @Test func aValueIsValidUntilTheNextOne() throws {
        let store = try VersionedStore(history: 100)
        #expect(try store.put("a", "x", at: 10) == .latest)
        #expect(try store.put("a", "y", at: 20) == .latest)
        #expect(try store.put("a", nil, at: 30) == .latest)
        #expect(try store.get("a") == nil)
        #expect(try store.get("a", asOf: 9) == nil)
        #expect(try store.get("a", asOf: 19) == VersionedRecord(value: "x", timestamp: 10, validTo: 20))
        #expect(try store.get("a", asOf: 20) == VersionedRecord(value: "y", timestamp: 20, validTo: 30))
        #expect(try store.get("a", asOf: 30) == nil)
    }

    @Test func aValueOutOfOrderEndsWhereTheNextOneBegins() throws {
        let store = try VersionedStore(history: 100)
        try store.put("a", "x", at: 10)
        try store.put("a", "z", at: 40)
        #expect(try store.put("a", "y", at: 20) == .superseded(at: 40))
        #expect(try store.put("a", "w", at: 5) == .superseded(at: 10))
        #expect(try store.put("a", nil, at: 30) == .superseded(at: 40))
        #expect(try store.put("a", "Y", at: 20) == .superseded(at: 30))
        let found = try [5, 10, 20, 30, 40].map { try store.get("a", asOf: $0)?.value ?? "-" }
        #expect(found == ["w", "x", "Y", "-", "z"])
    }

    @Test func aDeletionIsRememberedAndAReplacedLatestValueIsNot() throws {
        let store = try VersionedStore(history: 100)
        try store.put("a", nil, at: 20)
        #expect(try store.put("a", "x", at: 10) == .superseded(at: 20))
        #expect(try store.get("a") == nil)
        // Deleted at the very time at which it began: as if it had never been.
        try store.put("b", "x", at: 20)
        try store.put("b", nil, at: 20)
        #expect(try store.put("b", "y", at: 10) == .latest)
    }

    @Test func deleteGivesTheValueOfThatTime() throws {
        let store = try VersionedStore(history: 100)
        try store.put("a", "x", at: 10)
        #expect(try store.delete("a", at: 15)?.value == "x")
        #expect(try store.delete("a", at: 16) == nil)
    }

    @Test func whatIsOlderThanTheHistoryIsRefusedButLogged() throws {
        let store = try VersionedStore(history: 50)
        try store.put("a", "x", at: 10)
        try store.put("b", "y", at: 100)
        #expect(try store.put("c", "z", at: 49) == .refused)
        #expect(try store.put("c", "z", at: 50) == .latest)
        #expect(try store.get("a", asOf: 49)?.value == "x", "a latest value does not expire")
        try store.put("a", "w", at: 110)
        #expect(try store.get("a", asOf: 59) == nil)
        #expect(try store.get("a", asOf: 60)?.value == "x")
        var logged: [String] = []
        try store.commit(
            to: { key, value, time, _ in
                logged.append("\(String(decoding: key, as: UTF8.self))=\(value.map { String(decoding: $0, as: UTF8.self) } ?? "-")@\(time)")
            }, batch: nil)
        #expect(logged == ["a=x@10", "b=y@100", "c=z@49", "c=z@50", "a=w@110"])
    }

    /// The example of docs/formats/versioned-store.md.
    @Test func rowsAreTheDocumentedBytes() throws {
        let bytes = MemoryByteStore()
        let store = try VersionedStore(history: 100, backing: Backing(store: bytes, prefix: []))
        try store.put("a", "x", at: 10)
        try store.put("a", "y", at: 20)
        let batch = bytes.makeBatch()
        try store.commit(to: { _, _, _, _ in }, batch: batch)
        try bytes.write(batch)
        var rows: [String] = []
        let cursor = try bytes.cursor(from: UnsafeRawBufferPointer(start: nil, count: 0), to: nil)
        while try cursor.next() { rows.append("\(hex(cursor.key)) => \(hex(cursor.value))") }
        #expect(
            rows == [
                "0061 => 000000000000001479",
                "0100000000000000000000000161" + "0000000000000014 => 000000000000000a0178",
                "01ffffffffffffffff => 0000000000000014",
            ])
    }

    private func restore(
        _ record: (key: [UInt8], value: [UInt8]?, time: Timestamp), into store: VersionedStore<String, String>,
        _ batch: (any ByteStoreBatch)?
    ) throws {
        try record.key.withUnsafeBytes { key in
            guard let value = record.value else {
                return try store.restore(key: key, value: nil, timestamp: record.time, headers: [], batch: batch)
            }
            try value.withUnsafeBytes { try store.restore(key: key, value: $0, timestamp: record.time, headers: [], batch: batch) }
        }
    }

    /// Random puts, compared with a model that keeps everything, over commits, trims and restarts; and what a restore makes of the changelog.
    @Test(arguments: [false, true], [UInt64(1), 2])
    func agreesWithAModel(isPersistent: Bool, seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let backing = isPersistent ? Backing(store: MemoryByteStore(), prefix: [7]) : nil
        var store = try VersionedStore(history: 5_000, backing: backing)
        var model = VersionModel(history: 5_000)
        var changelog: [(key: [UInt8], value: [UInt8]?, time: Timestamp)] = []
        var saved = 0
        for step in 0..<800 {
            let now = Int64(step) * 40
            let key = "k\(random.next(6))" + String(repeating: "\0", count: Int(random.next(3)))
            let time = Timestamp(milliseconds: max(0, now - Int64(random.next(3) == 0 ? random.next(6_000) : random.next(10))))
            // A deletion at the time of the latest value is the one case that the model does not know.
            let value = random.next(5) == 0 && model.latest(key)?.time != time ? nil : "v\(step)"
            #expect(try store.put(key, value, at: time) == model.put(key, value, time), "step \(step)")
            let asOf = Timestamp(milliseconds: max(0, now - Int64(random.next(7_000))))
            #expect(try store.get(key, asOf: asOf)?.value == model.get(key, asOf: asOf), "step \(step), as of \(asOf)")
            #expect(try store.get(key)?.value == model.latest(key)?.value)
            if random.next(20) == 0 {
                // The disk need not get the rows with each commit: a restart reads the rest from the changelog.
                let batch = random.next(2) == 0 ? backing?.store.makeBatch() : nil
                try store.commit(to: { key, value, time, _ in changelog.append((Array(key), value.map { Array($0) }, time)) }, batch: batch)
                if let batch {
                    try backing?.store.write(batch)
                    saved = changelog.count
                }
                if random.next(3) == 0 { store.trim(to: 0) }
                if let backing, random.next(4) == 0 {
                    store = try VersionedStore(history: 5_000, backing: backing)
                    let batch = backing.store.makeBatch()
                    for record in changelog[saved...] { try restore(record, into: store, batch) }
                    try store.finishRestoring(batch: batch)
                    try backing.store.write(batch)
                    saved = changelog.count
                }
            }
        }
        try store.commit(to: { key, value, time, _ in changelog.append((Array(key), value.map { Array($0) }, time)) }, batch: nil)

        let target = Backing(store: MemoryByteStore(), prefix: [8])
        let restored = try VersionedStore(history: 5_000, backing: isPersistent ? target : nil)
        for start in stride(from: 0, to: changelog.count, by: 100) {
            let batch = isPersistent ? target.store.makeBatch() : nil
            for record in changelog[start..<min(start + 100, changelog.count)] { try restore(record, into: restored, batch) }
            try restored.finishRestoring(batch: batch)
            if let batch { try target.store.write(batch) }
        }
        #expect(!restored.hasUncommittedRows)
        for key in model.keys {
            #expect(try restored.get(key)?.value == model.latest(key)?.value)
            for time in stride(from: Int64(20_000), to: 30_000, by: 37) {
                let asOf = Timestamp(milliseconds: time)
                #expect(try restored.get(key, asOf: asOf)?.value == model.get(key, asOf: asOf))
            }
        }
    }
}

extension VersionedStore<String, String> {
    fileprivate convenience init(history: Int64, backing: Backing? = nil) throws {
        try self.init(name: "versions", key: .string, value: .string, retention: history, backing: backing)
    }
}

private func hex(_ bytes: UnsafeRawBufferPointer) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

/// Keeps all versions for good.
private struct VersionModel {
    let history: Int64
    private var time: Int64 = -1
    private var versions: [String: [Timestamp: String?]] = [:]

    init(history: Int64) {
        self.history = history
    }

    var keys: [String] { Array(versions.keys) }

    mutating func put(_ key: String, _ value: String?, _ time: Timestamp) -> VersionedPut {
        guard time.milliseconds >= self.time - history else { return .refused }
        self.time = max(self.time, time.milliseconds)
        versions[key, default: [:]].updateValue(value, forKey: time)
        return versions[key, default: [:]].keys.filter { $0 > time }.min().map { .superseded(at: $0) } ?? .latest
    }

    func latest(_ key: String) -> (value: String, time: Timestamp)? {
        guard let last = versions[key]?.max(by: { $0.key < $1.key }), let value = last.value else { return nil }
        return (value, last.key)
    }

    func get(_ key: String, asOf time: Timestamp) -> String? {
        if let latest = latest(key), latest.time <= time { return latest.value }
        guard time.milliseconds >= self.time - history else { return nil }
        return versions[key]?.filter { $0.key <= time }.max { $0.key < $1.key }?.value
    }
}

/// A generator that gives the same numbers for the same seed.
private struct SplitMix {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next(_ limit: UInt64) -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return (mixed ^ (mixed >> 31)) % limit
    }
}
