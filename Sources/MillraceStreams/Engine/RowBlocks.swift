import MillraceCore

/// Rows one behind the other in blocks of memory, which are written once and do not move: no row is copied again, and no memory is asked for row by row.
///
/// A row is the length of its key, the length of its value (-1: the key is removed), the number of rows before it, four bytes each, then key and value.
struct RowBlocks {
    /// Blocks grow from the one to the other, so that stores with few rows take little, and many of them keep to one budget.
    private static let (smallestBlock, largestBlock) = (1 << 14, 1 << 20)
    static let headerSize = 12

    private var blocks: [UnsafeMutableRawBufferPointer] = []
    /// How much of each block but the last is used.
    private var used: [Int] = []
    private var next = UnsafeMutableRawPointer(bitPattern: 1)!
    private var left = 0
    private(set) var count = 0
    /// The memory of all blocks.
    private(set) var byteCount = 0

    /// Counts a row in and returns where its key and value go.
    @inline(__always)
    mutating func add(keyLength: Int, valueLength: Int) -> UnsafeMutableRawPointer {
        let size = Self.headerSize + keyLength + max(0, valueLength)
        if size > left { addBlock(size) }
        let row = next
        row.storeBytes(of: Int32(keyLength), as: Int32.self)
        row.storeBytes(of: Int32(valueLength), toByteOffset: 4, as: Int32.self)
        row.storeBytes(of: UInt32(truncatingIfNeeded: count), toByteOffset: 8, as: UInt32.self)
        // The next row begins at a multiple of four.
        let step = min(left, (size + 3) & ~3)
        next += step
        left -= step
        count += 1
        return row + Self.headerSize
    }

    private mutating func addBlock(_ size: Int) {
        if let last = blocks.last { used.append(last.count - left) }
        let block = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(size + 3, min(Self.largestBlock, max(Self.smallestBlock, byteCount))), alignment: 16)
        blocks.append(block)
        byteCount += block.count
        (next, left) = (block.baseAddress.unsafelyUnwrapped, block.count)
    }

    /// Calls `body` with each row, in the order in which they were added.
    func forEach(_ body: (UnsafeRawPointer) throws -> Void) rethrows {
        for (index, block) in blocks.enumerated() {
            guard var row = UnsafeRawPointer(block.baseAddress) else { continue }
            let end = row + (index < used.count ? used[index] : block.count - left)
            while row + Self.headerSize <= end {
                try body(row)
                row += (Self.headerSize + Self.key(row).count + (Self.value(row)?.count ?? 0) + 3) & ~3
            }
        }
    }

    /// Forgets all rows and gives the memory back: to be called at the end too, as a struct does not do it by itself.
    mutating func removeAll() {
        for block in blocks { block.deallocate() }
        (blocks, used) = ([], [])
        (left, count, byteCount) = (0, 0, 0)
    }

    @inline(__always)
    static func key(_ row: UnsafeRawPointer) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: row + headerSize, count: Int(row.load(as: Int32.self)))
    }

    /// `nil`: the key is removed.
    @inline(__always)
    static func value(_ row: UnsafeRawPointer) -> UnsafeRawBufferPointer? {
        let length = Int(row.load(fromByteOffset: 4, as: Int32.self))
        return length < 0 ? nil : UnsafeRawBufferPointer(start: row + headerSize + Int(row.load(as: Int32.self)), count: length)
    }

    /// How many rows were added before.
    static func place(_ row: UnsafeRawPointer) -> Int { Int(row.load(fromByteOffset: 8, as: UInt32.self)) }
}
