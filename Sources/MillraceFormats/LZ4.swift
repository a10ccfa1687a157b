import CLZ4
import MillraceCore

/// The lz4 compression of record batches: one LZ4 frame of independent blocks, as Kafka's clients require.
enum LZ4 {
    static func compress(_ input: UnsafeRawBufferPointer, into output: ByteBuffer) throws {
        var preferences = LZ4F_preferences_t()
        preferences.frameInfo.blockMode = LZ4F_blockIndependent
        preferences.frameInfo.blockSizeID = LZ4F_max64KB
        let bound = LZ4F_compressFrameBound(input.count, &preferences)
        let written = LZ4F_compressFrame(output.reserve(bound), bound, input.baseAddress, input.count, &preferences)
        guard LZ4F_isError(written) == 0 else {
            throw MillraceError(.processing, "lz4 cannot compress a record batch: \(String(cString: LZ4F_getErrorName(written))).")
        }
        output.commit(written)
    }

    static func decompress(_ input: UnsafeRawBufferPointer, into output: ByteBuffer, maximum: Int) throws {
        var context: OpaquePointer?
        guard LZ4F_isError(LZ4F_createDecompressionContext(&context, UInt32(LZ4F_VERSION))) == 0 else {
            throw MillraceError(.processing, "lz4 cannot start to decompress: memory is short.")
        }
        defer { LZ4F_freeDecompressionContext(context) }
        let start = output.count
        var consumed = 0
        var expectsMore = true
        while expectsMore {
            let room = try output.nextChunk(since: start, maximum: maximum, codec: "lz4")
            var written = room
            var read = input.count - consumed
            let hint = LZ4F_decompress(context, output.reserve(room), &written, input.baseAddress.map { $0 + consumed }, &read, nil)
            guard LZ4F_isError(hint) == 0 else {
                throw Compression.corrupt("lz4", "is not valid (\(String(cString: LZ4F_getErrorName(hint))))")
            }
            output.commit(written)
            consumed += read
            expectsMore = hint != 0
            if expectsMore, written == 0, read == 0 { throw Compression.corrupt("lz4", "is cut off") }
        }
        guard output.count - start <= maximum else { throw Compression.tooLong("lz4", maximum) }
    }
}
