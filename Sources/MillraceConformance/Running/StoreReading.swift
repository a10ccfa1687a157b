import MillraceCore
import MillraceStreams
import MillraceTestKit

extension TopologyTestDriver {
    /// The rows of the stores of these names, as far as they exist.
    func storeContents(of names: Set<String>, _ inputs: [Event]) throws -> [String: StoreContents] {
        var stores: [String: StoreContents] = [:]
        for name in names {
            guard let store = stateStore(name) else { continue }
            guard let readable = store as? any ReadableStore else {
                throw BadProgram("store \(name) is a \(type(of: store)), which cannot be read yet")
            }
            let written = writtenRecords(of: "\(applicationID)-\(name)-changelog").compactMap(\.key)
            stores[name] = try readable.contents(StoreQuestion(keys: Set(written), times: inputs.compactMap(\.ts)))
        }
        return stores
    }
}

/// What a versioned store is asked for, since it has no list of its past values.
struct StoreQuestion {
    /// All keys that were ever put.
    let keys: Set<[UInt8]>
    /// At most 16 times, spread over those of the inputs.
    let times: [Int64]

    init(keys: Set<[UInt8]>, times: [Int64]) {
        self.keys = keys
        let all = Set(times).sorted()
        self.times = all.count <= 16 ? all : (0..<16).map { all[$0 * (all.count - 1) / 15] }
    }
}

/// A store whose rows the suite knows of.
protocol ReadableStore {
    /// The rows, sorted by key and times.
    func contents(_ question: StoreQuestion) throws -> StoreContents
}

/// What has a text by which the suite knows it.
protocol Textual {
    var text: String { get }
}

extension Datum: Textual {}
extension String: Textual { var text: String { self } }
extension Int64: Textual { var text: String { String(self) } }

extension KeyValueStore: ReadableStore where Key: Textual, Value: Textual {
    func contents(_ question: StoreQuestion) throws -> StoreContents {
        // Stores of processors are plain; those of tables keep the time of each row.
        let isPlain = Value.self == String.self
        var rows: [StoreRow] = []
        try forEachRow { key, row in
            rows.append(StoreRow(key: key.text, value: row.value?.text, timestamp: isPlain ? nil : row.timestamp.milliseconds))
            return true
        }
        return StoreContents(type: .keyValue, entries: rows.sorted())
    }
}

extension WindowStore: ReadableStore where Key: Textual, Value: Textual {
    func contents(_ question: StoreQuestion) throws -> StoreContents {
        var rows: [StoreRow] = []
        try forEachRow(in: 0...Int64.max) { key, row in
            rows.append(
                StoreRow(
                    key: key.key.text, times: [key.window.start.milliseconds], value: row.value?.text,
                    timestamp: row.timestamp.milliseconds))
            return true
        }
        return StoreContents(type: .window, entries: rows.sorted())
    }
}

extension SessionStore: ReadableStore where Key: Textual, Value: Textual {
    func contents(_ question: StoreQuestion) throws -> StoreContents {
        let rows = try all().map { session, value in
            StoreRow(
                key: session.key.text, times: [session.window.start.milliseconds, session.window.end.milliseconds], value: value.text)
        }
        return StoreContents(type: .session, entries: rows.sorted())
    }
}

extension VersionedStore: ReadableStore where Key: Textual, Value: Textual {
    func contents(_ question: StoreQuestion) throws -> StoreContents {
        var (latest, past): ([StoreRow], [StoreRow]) = ([], [])
        for bytes in question.keys {
            let key = try keySerde.value(of: bytes)
            if let row = try get(key) {
                latest.append(StoreRow(key: key.text, value: row.value.text, timestamp: row.timestamp.milliseconds))
            }
            for time in question.times {
                guard let row = try get(key, asOf: Timestamp(milliseconds: time)) else { continue }
                past.append(StoreRow(key: key.text, times: [time], value: row.value.text, timestamp: row.timestamp.milliseconds))
            }
        }
        return StoreContents(type: .versioned, entries: latest.sorted(), asOf: past.sorted())
    }
}
