extension UnsafeMutableRawPointer {
    /// Copies bytes that do not overlap with these. Keys and numbers are mostly shorter than a call of `memcpy` is long.
    @inlinable @inline(__always)
    package func copyBytes(from source: UnsafeRawPointer, count: Int) {
        if count > 16 {
            copyMemory(from: source, byteCount: count)
        } else if count >= 8 {
            let last = source.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
            storeBytes(of: source.loadUnaligned(as: UInt64.self), as: UInt64.self)
            storeBytes(of: last, toByteOffset: count - 8, as: UInt64.self)
        } else if count >= 4 {
            let last = source.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self)
            storeBytes(of: source.loadUnaligned(as: UInt32.self), as: UInt32.self)
            storeBytes(of: last, toByteOffset: count - 4, as: UInt32.self)
        } else {
            for index in 0..<max(count, 0) {
                storeBytes(of: source.load(fromByteOffset: index, as: UInt8.self), toByteOffset: index, as: UInt8.self)
            }
        }
    }
}
