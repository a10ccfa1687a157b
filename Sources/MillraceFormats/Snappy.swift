import CSnappy
import MillraceCore

/// The snappy compression of record batches: blocks in the framing of the Java library (xerial), which is what Kafka's clients write. Bare blocks are read too.
enum Snappy {
    private static let magic: [UInt8] = [0x82, 0x53, 0x4E, 0x41, 0x50, 0x50, 0x59, 0]
    private static let headerLength = 16
    private static let blockLength = 32 * 1024

    static func compress(_ input: UnsafeRawBufferPointer, into output: ByteBuffer) throws {
        output.append(magic)
        output.append(bigEndian: Int32(1))
        output.append(bigEndian: Int32(1))
        var offset = 0
        while offset < input.count {
            let block = UnsafeRawBufferPointer(rebasing: input[offset..<min(offset + blockLength, input.count)])
            offset += block.count
            let lengthPlace = output.count
            output.append(bigEndian: Int32(0))
            var length = snappy_max_compressed_length(block.count)
            let target = output.reserve(length).assumingMemoryBound(to: CChar.self)
            let result = snappy_compress(block.baseAddress?.assumingMemoryBound(to: CChar.self), block.count, target, &length)
            guard result == SNAPPY_OK else {
                throw MillraceError(.processing, "snappy cannot compress a record batch (code \(result.rawValue)).")
            }
            output.commit(length)
            output.mutableBytes.storeBytes(of: Int32(length).bigEndian, toByteOffset: lengthPlace, as: Int32.self)
        }
    }

    static func decompress(_ input: UnsafeRawBufferPointer, into output: ByteBuffer, maximum: Int) throws {
        let start = output.count
        guard input.count >= headerLength, input.prefix(magic.count).elementsEqual(magic) else {
            return try decompressBlock(input, into: output, maximum: maximum)
        }
        var offset = headerLength
        while offset < input.count {
            guard input.count - offset >= 4 else { throw Compression.corrupt("snappy", "is cut off") }
            let length = Int(input.loadBigEndian(at: offset, as: Int32.self))
            offset += 4
            guard length >= 0, length <= input.count - offset else { throw Compression.corrupt("snappy", "has a block longer than itself") }
            let block = UnsafeRawBufferPointer(rebasing: input[offset..<offset + length])
            try decompressBlock(block, into: output, maximum: maximum - (output.count - start))
            offset += length
        }
    }

    private static func decompressBlock(_ block: UnsafeRawBufferPointer, into output: ByteBuffer, maximum: Int) throws {
        let source = block.baseAddress?.assumingMemoryBound(to: CChar.self)
        var length = 0
        guard snappy_uncompressed_length(source, block.count, &length) == SNAPPY_OK else {
            throw Compression.corrupt("snappy", "has no valid length")
        }
        guard length <= maximum else { throw Compression.tooLong("snappy", maximum) }
        // A block cannot grow beyond this factor, so a length that claims more is a lie that is not worth allocating for.
        guard length <= block.count * 64 + 64 else { throw Compression.corrupt("snappy", "claims a length that it cannot have") }
        let target = output.reserve(length).assumingMemoryBound(to: CChar.self)
        guard snappy_uncompress(source, block.count, target, &length) == SNAPPY_OK else {
            throw Compression.corrupt("snappy", "is not valid")
        }
        output.commit(length)
    }
}
