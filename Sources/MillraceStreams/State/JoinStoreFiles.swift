import MillraceCore

/// The committed records of a join store on disk.
///
///     segment (8)  length of the key (4)  key  timestamp (8)  sequence number (4)     the value
///     FF                                                                              the store's state
///
/// The length keeps keys apart of which one begins with the other, so that a key's records in a range of time lie side by side. All numbers are big-endian and not negative.
@usableFromInline
struct JoinStoreFiles {
    /// What the store must know after a restart besides its records.
    struct State {
        var observedTime: Int64
        var sequence: Int32
    }

    private static let stateKey: [UInt8] = [0xFF]
    private let backing: Backing
    private let keyBuffer = ByteBuffer()
    private let upperKey = ByteBuffer()
    private let scratch = ByteBuffer()

    init(_ backing: Backing) {
        self.backing = backing
    }

    /// The state as of the last commit; `nil` before the first.
    func state() throws -> State? {
        scratch.removeAll()
        let found = try (backing.prefix + Self.stateKey).withUnsafeBytes { try backing.store.get($0, into: scratch) }
        guard found else { return nil }
        guard scratch.count == 12 else { throw corruption("its state is \(scratch.count) bytes long, not 12") }
        return State(observedTime: scratch.bytes.loadBigEndian(), sequence: scratch.bytes.loadBigEndian(at: 8))
    }

    /// Calls `put` with the row of the state, whose key comes behind those of all records.
    func save(_ state: State, _ put: RowSink) throws {
        keyBuffer.removeAll()
        keyBuffer.append(backing.prefix)
        keyBuffer.append(Self.stateKey)
        scratch.removeAll()
        scratch.append(bigEndian: state.observedTime)
        scratch.append(bigEndian: state.sequence)
        try put(keyBuffer.bytes, scratch.bytes)
    }

    /// Deletes segments with all that is in them.
    func delete(segments: Range<Int64>, _ batch: any ByteStoreBatch) {
        keyBuffer.removeAll()
        keyBuffer.append(backing.prefix)
        keyBuffer.append(bigEndian: segments.lowerBound)
        upperKey.removeAll()
        upperKey.append(backing.prefix)
        upperKey.append(bigEndian: segments.upperBound)
        batch.deleteRange(from: keyBuffer.bytes, to: upperKey.bytes)
    }

    /// The segments that have records, in order: one seek for each.
    func segments() throws -> [Int64] {
        var segments: [Int64] = []
        var lower: [UInt8] = []
        while true {
            let id: Int64? = try lower.withUnsafeBytes { lower in
                try Self.stateKey.withUnsafeBytes { end in
                    let cursor = try BackingCursor(backing, from: lower, to: end, reversed: false)
                    guard let key = cursor.key else { return nil }
                    guard key.count >= 8, case let id = key.loadBigEndian(as: Int64.self), 0..<Int64.max ~= id else {
                        throw corruption("a key of \(key.count) bytes does not begin with a segment")
                    }
                    return id
                }
            }
            guard let id else { return segments }
            segments.append(id)
            lower = withUnsafeBytes(of: (id + 1).bigEndian) { Array($0) }
        }
    }

    /// Where a record lies, valid until the next call.
    @usableFromInline
    func key(_ recordKey: UnsafeRawBufferPointer, _ timestamp: Int64, _ sequence: Int32, segment: Int64) -> UnsafeRawBufferPointer {
        keyBuffer.removeAll()
        keyBuffer.append(backing.prefix)
        append(recordKey, segment, timestamp, sequence, to: keyBuffer)
        return keyBuffer.bytes
    }

    /// Calls `body` for each record of a key in a segment with a time in `from ... to`, in order of time and number.
    func forEach(
        _ recordKey: UnsafeRawBufferPointer, segment: Int64, from: Int64, to: Int64,
        _ body: (Int64, Int32, UnsafeRawBufferPointer) throws -> Void
    ) throws {
        keyBuffer.removeAll()
        append(recordKey, segment, from, 0, to: keyBuffer)
        upperKey.removeAll()
        append(recordKey, segment, to, .max, to: upperKey)
        // Behind the last number possible.
        upperKey.append(0)
        let cursor = try BackingCursor(backing, from: keyBuffer.bytes, to: upperKey.bytes, reversed: false)
        while let key = cursor.key {
            guard key.count == recordKey.count + 24 else { throw corruption("a key is \(key.count) bytes long") }
            try body(key.loadBigEndian(at: key.count - 12), key.loadBigEndian(at: key.count - 4), cursor.value)
            try cursor.advance()
        }
    }

    private func append(_ key: UnsafeRawBufferPointer, _ segment: Int64, _ timestamp: Int64, _ sequence: Int32, to buffer: ByteBuffer) {
        buffer.append(bigEndian: segment)
        buffer.append(bigEndian: UInt32(key.count))
        buffer.append(key)
        buffer.append(bigEndian: timestamp)
        buffer.append(bigEndian: sequence)
    }

    private func corruption(_ what: String) -> MillraceError {
        MillraceError(
            .corruption,
            "The local state of a join store is damaged: \(what). Delete the state directory: it will be rebuilt from the changelog.")
    }
}
