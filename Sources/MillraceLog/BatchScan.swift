import MillraceCore
import MillraceFormats

/// Goes through the batches of a stretch of a log file, reading it in pieces: for looking things up, for recovery and for compaction. Consumers read in larger pieces, see `BatchReader`.
struct BatchScan {
    let file: any File
    let path: String
    /// Where the next batch starts.
    private(set) var position: Int
    private let end: Int
    private var piece = ByteBuffer(capacity: 16)
    private var pieceStart: Int
    private static let pieceLength = 64 * 1024

    /// Reads from `position`, where a batch must start, to `end`.
    init(_ file: any File, path: String, from position: Int, to end: Int) {
        self.file = file
        self.path = path
        self.position = position
        self.end = end
        pieceStart = position
    }

    /// The next batch and where it starts; valid until the next call. `nil` at the end.
    ///
    /// - Throws: `MillraceError` of kind `corruption` with the file and place when there is no whole batch.
    mutating func next() throws -> (batch: RecordBatch, position: Int)? {
        guard position < end else { return nil }
        if let batch = try batchInPiece() { return batch }
        try load(BatchScan.pieceLength)
        if let batch = try batchInPiece() { return batch }
        guard let length = try located({ try RecordBatch.length(startOf: piece.bytes) }), length <= end - position else {
            throw BatchScan.corrupt(path, position, "A record batch is cut off by the end of what was committed, at byte \(end).")
        }
        try LongBatch.check(file, path: path, at: position, length: length)
        try load(length)
        guard let batch = try batchInPiece() else {
            throw BatchScan.corrupt(path, position, "The file is shorter than what was committed, which goes to byte \(end).")
        }
        return batch
    }

    /// Like `next`, and also checks the checksum.
    mutating func nextVerified() throws -> (batch: RecordBatch, position: Int)? {
        guard let found = try next() else { return nil }
        guard found.batch.hasValidChecksum else {
            throw BatchScan.corrupt(
                path, found.position, "The record batch at offset \(found.batch.baseOffset) does not match its checksum.")
        }
        return found
    }

    private mutating func batchInPiece() throws -> (batch: RecordBatch, position: Int)? {
        let rest = UnsafeRawBufferPointer(rebasing: piece.bytes[min(position - pieceStart, piece.count)...])
        guard let length = try located({ try RecordBatch.length(startOf: rest) }), length <= rest.count else { return nil }
        let batch = try located { try RecordBatch(startOf: rest) }
        defer { position += length }
        return (batch, position)
    }

    private mutating func load(_ length: Int) throws {
        piece.removeAll()
        let wanted = min(length, end - position)
        let target = UnsafeMutableRawBufferPointer(start: piece.reserve(wanted), count: wanted)
        piece.commit(try file.read(into: target, at: position))
        pieceStart = position
    }

    private func located<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as MillraceError where error.kind == .corruption {
            throw BatchScan.corrupt(path, position, error.message)
        }
    }

    /// An error that says where on the disk the damage is, and what can be done.
    static func corrupt(_ path: String, _ position: Int, _ what: String) -> MillraceError {
        MillraceError(
            .corruption,
            "\(path) is damaged at byte \(position). \(what) Nothing after this place is served. Restore the partition's directory from a backup, or delete the records up to a later segment."
        )
    }
}
