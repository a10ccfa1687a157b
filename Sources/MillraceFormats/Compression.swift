import MillraceCore

/// How the records of a batch are compressed; the raw value is what a batch's attributes hold.
public enum Compression: UInt8, Sendable, CaseIterable {
    case none = 0
    case gzip = 1
    case snappy = 2
    case lz4 = 3
    case zstd = 4

    /// Kafka's name for it, as in `compression.type`.
    public var name: String {
        switch self {
        case .none: "none"
        case .gzip: "gzip"
        case .snappy: "snappy"
        case .lz4: "lz4"
        case .zstd: "zstd"
        }
    }

    /// The compression that Kafka calls `name`; `nil` when there is no such.
    public init?(named name: String) {
        guard let match = Compression.allCases.first(where: { $0.name == name }) else { return nil }
        self = match
    }

    /// Appends `input`, compressed, to `output`.
    ///
    /// - Throws: `MillraceError` of kind `processing` when the library refuses, which takes a lack of memory.
    func compress(_ input: UnsafeRawBufferPointer, into output: ByteBuffer) throws {
        switch self {
        case .none: output.append(input)
        case .gzip: try Gzip.compress(input, into: output)
        case .snappy: try Snappy.compress(input, into: output)
        case .lz4: try LZ4.compress(input, into: output)
        case .zstd: try Zstd.compress(input, into: output)
        }
    }

    /// Appends what `input` decompresses to to `output`.
    ///
    /// Memory is taken as output really comes out, so a length that lies costs nothing.
    ///
    /// - Throws: `MillraceError` of kind `corruption` when the bytes are not of this format, are cut off, or would become longer than `maximum`.
    func decompress(_ input: UnsafeRawBufferPointer, into output: ByteBuffer, maximum: Int) throws {
        switch self {
        case .none: output.append(input)
        case .gzip: try Gzip.decompress(input, into: output, maximum: maximum)
        case .snappy: try Snappy.decompress(input, into: output, maximum: maximum)
        case .lz4: try LZ4.decompress(input, into: output, maximum: maximum)
        case .zstd: try Zstd.decompress(input, into: output, maximum: maximum)
        }
    }

    static func corrupt(_ codec: String, _ what: String) -> MillraceError {
        MillraceError(
            .corruption, "The \(codec) data of a record batch \(what). The batch was damaged after its checksum was made, or never valid.")
    }

    static func tooLong(_ codec: String, _ maximum: Int) -> MillraceError {
        corrupt(codec, "decompresses to more than the \(maximum) bytes that are allowed")
    }
}

extension ByteBuffer {
    /// How much room a decompressor is offered next: it doubles with what has come out, within what is still allowed.
    func nextChunk(since start: Int, maximum: Int, codec: String) throws -> Int {
        let produced = count - start
        guard produced <= maximum else { throw Compression.tooLong(codec, maximum) }
        // One byte past the maximum, so that too long a stream is seen and an exact one can end.
        return min(max(16 * 1024, produced), maximum - produced + 1)
    }
}
