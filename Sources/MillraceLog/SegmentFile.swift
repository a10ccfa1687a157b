import MillraceCore
import MillraceFormats

/// A `.log` file of a partition by itself, batch by batch, for tools: one of a Millrace log or of a Kafka broker.
///
/// It shows all that is in the file; what of it is committed only the log knows.
public struct SegmentFile {
    /// The path of the segment's file.
    public let path: String
    /// The length of the file when it was opened.
    public let byteCount: Int
    private var scan: BatchScan

    /// Opens a file to read.
    ///
    /// - Throws: `MillraceError` of kind `transport` when it cannot be read.
    public init(_ path: String, fileSystem: any FileSystem = POSIXFileSystem()) throws {
        self.path = path
        let file = try fileSystem.open(path, writable: false)
        byteCount = try file.size()
        scan = BatchScan(file, path: path, from: 0, to: byteCount)
    }

    /// The next batch, valid until the next call, and where it starts; `nil` at the end. The checksum is left to the caller.
    ///
    /// - Throws: `MillraceError` of kind `corruption`, with the place, when there is no whole batch.
    public mutating func next() throws -> (batch: RecordBatch, position: Int)? {
        try scan.next()
    }
}
