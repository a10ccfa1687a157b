/// A growable run of raw bytes that serdes and encoders write into, reused from record to record so that writing allocates nothing.
///
/// Not thread-safe: a buffer belongs to whoever writes it. Numbers are written big-endian, as Kafka does.
public final class ByteBuffer {
    // Written for every field of every record, by one thread, in calls that do not lead back here: exclusivity checks would cost more than the writing.
    @exclusivity(unchecked) @usableFromInline var base: UnsafeMutableRawPointer
    @exclusivity(unchecked) @usableFromInline var capacity: Int
    @exclusivity(unchecked) @usableFromInline var _count = 0
    /// The number of bytes written.
    @inlinable public var count: Int { _count }

    /// An empty buffer with room for `capacity` bytes; it grows as needed.
    public init(capacity: Int = 256) {
        self.capacity = max(capacity, 16)
        base = .allocate(byteCount: self.capacity, alignment: 16)
    }

    deinit {
        base.deallocate()
    }

    /// What was written, valid until the next write.
    @inlinable public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: _count) }

    /// What was written, as memory that may be patched in place; valid until the next write.
    @inlinable public var mutableBytes: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: base, count: _count)
    }

    /// Forgets the contents and keeps the memory.
    @inlinable
    public func removeAll() {
        _count = 0
    }

    /// Forgets the contents, and gives back memory that was needed once and is not any more: half of it, as long as less than a quarter was used, and never all.
    public func removeAllShrinking(above kept: Int = 4 << 20) {
        let used = _count
        _count = 0
        guard capacity > kept, used < capacity / 4 else { return }
        base.deallocate()
        capacity = max(kept, capacity / 2)
        base = .allocate(byteCount: capacity, alignment: 16)
    }

    /// Forgets everything from `count` on.
    @inlinable
    public func truncate(to count: Int) {
        precondition(count >= 0 && count <= _count, "a buffer can only be cut to a length it has")
        _count = count
    }

    /// Makes room for `additional` bytes and returns where they go; `commit` says how many were really written.
    @inlinable
    public func reserve(_ additional: Int) -> UnsafeMutableRawPointer {
        if _count + additional > capacity { grow(to: _count + additional) }
        return base + _count
    }

    /// Counts `written` bytes, put where `reserve` pointed, as part of the buffer.
    @inlinable
    public func commit(_ written: Int) {
        precondition(written >= 0 && _count + written <= capacity, "more bytes committed than were reserved")
        _count += written
    }

    @usableFromInline
    func grow(to needed: Int) {
        let bigger = max(needed, capacity * 2)
        let new = UnsafeMutableRawPointer.allocate(byteCount: bigger, alignment: 16)
        new.copyMemory(from: base, byteCount: _count)
        base.deallocate()
        base = new
        capacity = bigger
    }

    /// Appends one byte.
    @inlinable
    public func append(_ byte: UInt8) {
        reserve(1).storeBytes(of: byte, as: UInt8.self)
        _count += 1
    }

    /// Appends a copy of the bytes.
    @inlinable
    public func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return }
        reserve(bytes.count).copyBytes(from: source, count: bytes.count)
        _count += bytes.count
    }

    /// Appends a copy of the bytes.
    @inlinable
    public func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { append($0) }
    }

    /// Writes an integer big-endian.
    @inlinable
    public func append<Number: FixedWidthInteger>(bigEndian number: Number) {
        let size = MemoryLayout<Number>.size
        reserve(size).storeBytes(of: number.bigEndian, as: Number.self)
        _count += size
    }

    /// Writes the UTF-8 of `text`.
    @inlinable
    public func append(utf8 text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }
}

extension UnsafeRawBufferPointer {
    /// The integer whose big-endian bytes start at `offset`, which must lie inside.
    @inlinable
    public func loadBigEndian<Number: FixedWidthInteger>(
        at offset: Int = 0, as type: Number.Type = Number.self
    ) -> Number {
        precondition(offset >= 0 && offset + MemoryLayout<Number>.size <= count, "a number must lie inside its bytes")
        return Number(bigEndian: loadUnaligned(fromByteOffset: offset, as: Number.self))
    }
}
