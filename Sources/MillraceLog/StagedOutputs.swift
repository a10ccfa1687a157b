import MillraceCore
import MillraceFormats

/// Outputs of a session's next commit that wait in a file instead of in memory. See `TransportSession.stage`.
///
/// The file is nobody else's, and what a process leaves of it that dies is removed when the log is opened.
final class StagedOutputs {
    static let filePrefix = "millrace.staged-"
    /// How much is read back at a time, but for single batches that are longer.
    private static let pieceBytes = 1 << 20

    private struct Piece {
        var position: Int
        var length: Int
    }

    private let fileSystem: any FileSystem
    private let path: String
    private let file: any File
    private var pieces: [TopicPartition: [Piece]] = [:]
    private var end = 0

    init(_ fileSystem: any FileSystem, path: String) throws {
        self.fileSystem = fileSystem
        self.path = path
        file = try fileSystem.open(path, writable: true)
        try file.truncate(to: 0)
    }

    /// Takes whole batches of one partition, behind those taken before.
    func add(_ output: OutputBatches) throws {
        try file.write(output.bytes.bytes, at: end)
        // Cut between batches, so that each piece can be appended by itself.
        var start = 0
        var place = 0
        while place < output.bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: output.bytes.bytes[place...])
            guard let length = try RecordBatch.length(startOf: rest) else { break }
            if place > start, place + length - start > Self.pieceBytes {
                pieces[output.partition, default: []].append(Piece(position: end + start, length: place - start))
                start = place
            }
            place += length
        }
        pieces[output.partition, default: []].append(Piece(position: end + start, length: output.bytes.count - start))
        end += output.bytes.count
    }

    /// Calls `body` with all that was taken for a partition, in order and in pieces that may be changed.
    func forEachPiece(of partition: TopicPartition, _ body: (ByteBuffer) throws -> Void) throws {
        guard let pieces = pieces[partition] else { return }
        let buffer = ByteBuffer(capacity: pieces.map(\.length).max() ?? 0)
        for piece in pieces {
            buffer.removeAll()
            let target = UnsafeMutableRawBufferPointer(start: buffer.reserve(piece.length), count: piece.length)
            guard try file.read(into: target, at: piece.position) == piece.length else {
                throw MillraceError(.transport, "The file \(path), which the process itself has written, is shorter than it was. Nothing was committed.")
            }
            buffer.commit(piece.length)
            try body(buffer)
        }
    }

    /// Forgets everything. The file's room on the disk is given back.
    func removeAll() throws {
        pieces = [:]
        end = 0
        try file.truncate(to: 0)
    }

    /// Removes the file.
    func remove() throws { try fileSystem.remove(path) }

    /// Removes what a process left that died.
    static func removeLeftovers(in directory: String, _ fileSystem: any FileSystem) throws {
        for name in try fileSystem.list(directory) where name.hasPrefix(filePrefix) { try fileSystem.remove(directory + "/" + name) }
    }
}
