import MillraceCore
import MillraceStreams
import MillraceTestKit

extension TopologyTestDriver {
    /// The rows of the stores of these names, as far as they exist.
    func storeContents(of names: Set<String>, _ inputs: [Event]) throws -> [String: StoreContents] {
        var stores: [String: StoreContents] = [:]
        for name in names {
            guard let store = stateStore(name) else { continue }
            if let versions = store as? VersionedStore<Datum, Datum> {
                stores[name] = try versions.contents(inputs, keys: keysInChangelog(of: name))
                continue
            }
            guard let readable = store as? any ReadableStore else {
                throw BadProgram("store \(name) is a \(type(of: store)), which cannot be read yet")
            }
            stores[name] = try readable.contents(inputs)
        }
        return stores
    }

    /// The keys that were ever written to a store.
    private func keysInChangelog(of store: String) -> Set<[UInt8]> {
        let changelog = writtenTopics(includingInternal: true).first { $0.hasSuffix("-\(store)-changelog") }
        return Set(changelog.map(writtenRecords)?.compactMap(\.key) ?? [])
    }
}

/// A store whose rows the suite knows of.
protocol ReadableStore {
    /// The rows, sorted by key and times.
    func contents(_ inputs: [Event]) throws -> StoreContents
}

/// What has a text by which the suite knows it.
protocol Textual {
    var text: String { get }
}

extension Datum: Textual {}
extension String: Textual { var text: String { self } }
extension Int64: Textual { var text: String { String(self) } }

extension KeyValueStore: ReadableStore where Key: Textual, Value: Textual {
    func contents(_ inputs: [Event]) throws -> StoreContents {
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
    func contents(_ inputs: [Event]) throws -> StoreContents {
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
    func contents(_ inputs: [Event]) throws -> StoreContents {
        let rows = try all().map { session, value in
            StoreRow(
                key: session.key.text, times: [session.window.start.milliseconds, session.window.end.milliseconds], value: value.text)
        }
        return StoreContents(type: .session, entries: rows.sorted())
    }
}

extension VersionedStore<Datum, Datum> {
    /// The latest versions, and what is found as of the times of some inputs; for keys that have no value at present too.
    fileprivate func contents(_ inputs: [Event], keys: Set<[UInt8]>) throws -> StoreContents {
        let times = Set(inputs.compactMap(\.ts)).sorted()
        let count = min(16, times.count)
        let probes = Set((0..<count).map { times[count == 1 ? 0 : $0 * (times.count - 1) / (count - 1)] })
        var contents = StoreContents(type: .versioned, entries: [], asOf: [])
        for key in keys {
            let text = String(decoding: key, as: UTF8.self)
            if let latest = try get(.text(text)) {
                contents.entries.append(StoreRow(key: text, value: latest.value.text, timestamp: latest.timestamp.milliseconds))
            }
            for time in probes {
                guard let found = try get(.text(text), asOf: Timestamp(milliseconds: time)) else { continue }
                contents.asOf?.append(
                    StoreRow(key: text, times: [time], value: found.value.text, timestamp: found.timestamp.milliseconds))
            }
        }
        contents.entries.sort()
        contents.asOf?.sort()
        return contents
    }
}
