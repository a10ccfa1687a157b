/// Kafka's integers of variable length: seven bits a byte, lowest first, the top bit set on all but the last.
///
/// Records use the zigzag form (`varint`, `varlong` in Kafka's documents), in which small negative numbers are short too.
public enum Varint {
    /// The longest a 64-bit number gets.
    public static let maximumLength = 10

    /// Folds the sign into the lowest bit: 0, -1, 1, -2 become 0, 1, 2, 3.
    @inlinable
    public static func zigzag(_ value: Int64) -> UInt64 {
        UInt64(bitPattern: (value << 1) ^ (value >> 63))
    }

    /// Undoes `zigzag`.
    @inlinable
    public static func unzigzag(_ value: UInt64) -> Int64 {
        Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    /// The number of bytes that `write` takes for `value`.
    @inlinable
    public static func length(_ value: UInt64) -> Int {
        // 9/64 is near enough to 1/7 for every bit length up to 64, and needs no division.
        ((64 - (value | 1).leadingZeroBitCount) &* 9 &+ 64) &>> 6
    }

    /// The number of bytes that a signed number takes in zigzag form.
    @inlinable
    public static func length(zigzag value: Int64) -> Int {
        length(zigzag(value))
    }

    /// Writes `value` at `target`, which must have room for `length(value)` bytes, and returns where it ends.
    @inlinable
    public static func write(_ value: UInt64, to target: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        var rest = value
        var place = target
        while rest >= 0x80 {
            place.storeBytes(of: UInt8(truncatingIfNeeded: rest) | 0x80, as: UInt8.self)
            place += 1
            rest >>= 7
        }
        place.storeBytes(of: UInt8(truncatingIfNeeded: rest), as: UInt8.self)
        return place + 1
    }

    /// Writes a signed number in zigzag form at `target` and returns where it ends.
    @inlinable
    public static func write(zigzag value: Int64, to target: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        write(zigzag(value), to: target)
    }

    /// Reads a number at `place` and moves `place` past it; `nil` when it does not end before `end` or is longer than ten bytes.
    @inlinable @inline(__always)
    public static func read(_ place: inout UnsafeRawPointer, end: UnsafeRawPointer) -> UInt64? {
        guard place < end else { return nil }
        let first = place.load(as: UInt8.self)
        if first < 0x80 {
            place += 1
            return UInt64(first)
        }
        return readLong(&place, end: end)
    }

    /// Reads a signed number in zigzag form, like `read`.
    @inlinable @inline(__always)
    public static func readZigzag(_ place: inout UnsafeRawPointer, end: UnsafeRawPointer) -> Int64? {
        guard let value = read(&place, end: end) else { return nil }
        return unzigzag(value)
    }

    /// The numbers of two bytes and more.
    @usableFromInline
    static func readLong(_ place: inout UnsafeRawPointer, end: UnsafeRawPointer) -> UInt64? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        var cursor = place
        while cursor < end, shift < 70 {
            let byte = cursor.load(as: UInt8.self)
            cursor += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 {
                place = cursor
                return value
            }
            shift += 7
        }
        return nil
    }
}
