/// Memory that batches are read into and that lives as long as someone looks at them.
final class ReadBlock {
    let memory: UnsafeMutableRawBufferPointer

    init(byteCount: Int) {
        memory = .allocate(byteCount: byteCount, alignment: 16)
    }

    deinit {
        memory.deallocate()
    }
}

/// The blocks of one session: a block that nobody looks at any more is used again, as fresh memory costs more than the copy into it.
struct ReadBlockPool {
    private var blocks: [ReadBlock] = []
    private static let maximumKept = 8

    /// A block of at least this size.
    mutating func take(_ byteCount: Int) -> ReadBlock {
        for index in blocks.indices where blocks[index].memory.count >= byteCount {
            if isKnownUniquelyReferenced(&blocks[index]) { return blocks[index] }
        }
        let block = ReadBlock(byteCount: max(byteCount, 4096))
        if blocks.count == ReadBlockPool.maximumKept { blocks.removeFirst() }
        blocks.append(block)
        return block
    }
}
