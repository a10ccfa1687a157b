import CZstd
import MillraceCore

/// The zstd compression of record batches: one zstd frame.
enum Zstd {
    /// Kafka's default level.
    private static let level: Int32 = 3

    static func compress(_ input: UnsafeRawBufferPointer, into output: ByteBuffer) throws {
        let bound = ZSTD_compressBound(input.count)
        let written = ZSTD_compress(output.reserve(bound), bound, input.baseAddress, input.count, level)
        guard ZSTD_isError(written) == 0 else {
            throw MillraceError(.processing, "zstd cannot compress a record batch: \(String(cString: ZSTD_getErrorName(written))).")
        }
        output.commit(written)
    }

    static func decompress(_ input: UnsafeRawBufferPointer, into output: ByteBuffer, maximum: Int) throws {
        // The library refuses windows beyond 128 MiB by itself, and takes the window's memory only when the frame needs it.
        guard let stream = ZSTD_createDStream() else {
            throw MillraceError(.processing, "zstd cannot start to decompress: memory is short.")
        }
        defer { ZSTD_freeDStream(stream) }
        let start = output.count
        var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        while true {
            let room = try output.nextChunk(since: start, maximum: maximum, codec: "zstd")
            var target = ZSTD_outBuffer(dst: output.reserve(room), size: room, pos: 0)
            let readBefore = source.pos
            let hint = ZSTD_decompressStream(stream, &target, &source)
            guard ZSTD_isError(hint) == 0 else {
                throw Compression.corrupt("zstd", "is not valid (\(String(cString: ZSTD_getErrorName(hint))))")
            }
            output.commit(target.pos)
            if hint == 0, source.pos == source.size { break }
            if target.pos == 0, source.pos == readBefore { throw Compression.corrupt("zstd", "is cut off") }
        }
        guard output.count - start <= maximum else { throw Compression.tooLong("zstd", maximum) }
    }
}
