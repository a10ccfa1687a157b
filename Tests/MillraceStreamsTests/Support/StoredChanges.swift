import MillraceCore

@testable import MillraceStreams

/// A fixed sequence of numbers, the same in every run.
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}

/// A record of a changelog.
struct LoggedChange {
    let key: [UInt8]
    let value: [UInt8]?
    let timestamp: Timestamp
    let headers: Headers
}

extension StateStore {
    /// Commits, to a byte store where one is given.
    @discardableResult
    func commitChanges(to disk: (any ByteStore)? = nil, sorted: Bool = false) throws -> [LoggedChange] {
        var changes: [LoggedChange] = []
        let batch = disk?.makeBatch()
        let sorted = sorted && savesSorted
        try commit(
            to: { key, value, timestamp, headers in
                changes.append(LoggedChange(key: Array(key), value: value.map { Array($0) }, timestamp: timestamp, headers: headers))
            }, batch: sorted ? nil : batch)
        guard let disk, let batch else { return changes }
        if sorted { try disk.load { try save(to: $0, batch) } }
        try disk.write(batch)
        return changes
    }

    /// Restores from what commits wrote.
    func restoreChanges(_ changes: [LoggedChange], to disk: (any ByteStore)? = nil) throws {
        let batch = disk?.makeBatch()
        for change in changes {
            try change.key.withUnsafeBytes { key in
                func restore(_ value: UnsafeRawBufferPointer?) throws {
                    try self.restore(key: key, value: value, timestamp: change.timestamp, headers: change.headers, batch: batch)
                }
                guard let value = change.value else { return try restore(nil) }
                try value.withUnsafeBytes { try restore($0) }
            }
        }
        try finishRestoring(batch: batch)
        if let disk, let batch { try disk.write(batch) }
    }
}
