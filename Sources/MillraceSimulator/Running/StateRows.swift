import MillraceCore

/// The rows of a state database, store by store.
enum StateRows {
    struct Row: Equatable, CustomStringConvertible {
        var key: [UInt8]
        var value: [UInt8]
        var description: String { "\(Workload.text(key)): \(Workload.text(value))" }
    }

    static func of(_ database: SimulatedDatabase, _ workload: Workload) throws -> [String: [Row]] {
        var names: [[UInt8]: String] = [:]
        var rows: [[UInt8]: [Row]] = [:]
        let cursor = try database.rows.cursor(from: UnsafeRawBufferPointer(start: nil, count: 0), to: nil)
        while try cursor.next() {
            let key = Array(cursor.key)
            if key.starts(with: [0, 0, 0, 0]) {
                // The catalogue: "s0/counts" has the number of the rows of that store.
                if key.count > 4, key[4] == UInt8(ascii: "s") { names[Array(cursor.value)] = String(decoding: key[5...], as: UTF8.self) }
            } else {
                rows[Array(key.prefix(4)), default: []].append(Row(key: Array(key.dropFirst(4)), value: Array(cursor.value)))
            }
        }
        let stores = Dictionary(uniqueKeysWithValues: rows.map { (names[$0.key] ?? "\($0.key)", $0.value) })
        if let retention = workload.sessionRetention { return stores.mapValues { remembered($0, retention) } }
        guard let retention = workload.joinRetention else { return stores }
        return Dictionary(uniqueKeysWithValues: stores.map { ($0.key, isOfJoin($0.key) ? alive($0.value, retention) : $0.value) })
    }

    /// The rows of a session store without those that are forgotten: a session that came too late is in the changelog all the same, and whoever replays it may know less of the time
    /// then. Such rows lie there, and are not found, until their segment goes.
    private static func remembered(_ rows: [Row], _ retention: Int64) -> [Row] {
        func time(_ bytes: some Collection<UInt8>) -> Int64 { bytes.prefix(8).reduce(0) { $0 << 8 | Int64($1) } }
        let timeKey = [UInt8](repeating: 0xFF, count: 8)
        guard let last = rows.first(where: { $0.key == timeKey }) else { return rows }
        return rows.filter { $0.key == timeKey || time($0.key.suffix(16)) > time(last.value) - retention }
    }

    private static func isOfJoin(_ store: String) -> Bool {
        ["KSTREAM-JOINTHIS-", "KSTREAM-JOINOTHER-", "KSTREAM-OUTERTHIS-", "KSTREAM-OUTEROTHER-"].contains { store.contains("/" + $0) }
    }

    /// The rows of a join store without those that no search finds any more: how many of them are still there depends on when they were committed.
    private static func alive(_ rows: [Row], _ retention: Int64) -> [Row] {
        func time(_ bytes: some Collection<UInt8>) -> Int64 { bytes.prefix(8).reduce(0) { $0 << 8 | Int64($1) } }
        guard let state = rows.first(where: { $0.key == [0xFF] }) else { return rows }
        let first = time(state.value) - retention + 1
        return rows.filter { $0.key == [0xFF] || time($0.key.suffix(12)) >= first }
    }
}
