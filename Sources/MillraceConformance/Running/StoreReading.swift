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
            stores[name] = try readable.contents(inputs)
        }
        return stores
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
