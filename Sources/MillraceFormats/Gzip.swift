import CZlib
import MillraceCore

/// The gzip compression of record batches, by zlib.
enum Gzip {
    private static let windowBitsOfGzip: Int32 = 15 + 16

    static func compress(_ input: UnsafeRawBufferPointer, into output: ByteBuffer) throws {
        var stream = z_stream()
        let started = deflateInit2_(
            &stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, windowBitsOfGzip, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        guard started == Z_OK else { throw MillraceError(.processing, "zlib cannot start to compress (code \(started)): memory is short.") }
        defer { deflateEnd(&stream) }
        feed(&stream, input)
        let bound = Int(deflateBound(&stream, UInt(input.count)))
        stream.next_out = output.reserve(bound).assumingMemoryBound(to: UInt8.self)
        stream.avail_out = UInt32(clamping: bound)
        let result = deflate(&stream, Z_FINISH)
        guard result == Z_STREAM_END else { throw MillraceError(.processing, "zlib cannot compress a record batch (code \(result)).") }
        output.commit(bound - Int(stream.avail_out))
    }

    static func decompress(_ input: UnsafeRawBufferPointer, into output: ByteBuffer, maximum: Int) throws {
        var stream = z_stream()
        guard inflateInit2_(&stream, windowBitsOfGzip, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw MillraceError(.processing, "zlib cannot start to decompress: memory is short.")
        }
        defer { inflateEnd(&stream) }
        feed(&stream, input)
        let start = output.count
        while true {
            let room = try output.nextChunk(since: start, maximum: maximum, codec: "gzip")
            stream.next_out = output.reserve(room).assumingMemoryBound(to: UInt8.self)
            stream.avail_out = UInt32(clamping: room)
            let result = inflate(&stream, Z_NO_FLUSH)
            let written = room - Int(stream.avail_out)
            output.commit(written)
            switch result {
            case Z_STREAM_END:
                guard output.count - start <= maximum else { throw Compression.tooLong("gzip", maximum) }
                if stream.avail_in == 0 { return }
                // Java's reader accepts several members one after the other.
                guard inflateReset(&stream) == Z_OK else { throw Compression.corrupt("gzip", "cannot be read on") }
            case Z_OK where written > 0 || stream.avail_in > 0: continue
            case Z_OK, Z_BUF_ERROR: throw Compression.corrupt("gzip", "is cut off")
            default: throw Compression.corrupt("gzip", "is not valid (zlib code \(result))")
            }
        }
    }

    private static func feed(_ stream: inout z_stream, _ input: UnsafeRawBufferPointer) {
        stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
        stream.avail_in = UInt32(clamping: input.count)
    }
}
