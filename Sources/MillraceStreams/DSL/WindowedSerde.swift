import MillraceCore

extension Serde {
    /// A key in a window of fixed size: the key's bytes, then the start of the window in 8 bytes. The end is not written; it follows from `size`.
    ///
    ///     table.toStream().to("counts", key: .timeWindowed(.string, size: .seconds(60)))
    ///
    /// All windows of a key go to the key's partition. For sliding windows `size` is their time difference. Kafka: `TimeWindowedSerde`.
    @inlinable
    public static func timeWindowed<Key>(_ key: Serde<Key>, size: Duration) -> Serde<Windowed<Key>> where Value == Windowed<Key> {
        timeWindowed(key, milliseconds: size.milliseconds)
    }

    @inlinable
    static func timeWindowed<Key>(_ key: Serde<Key>, milliseconds size: Int64) -> Serde<Windowed<Key>> where Value == Windowed<Key> {
        Serde(
            "windowed \(key.name)", suffixOutsidePartitioning: 8,
            write: { windowed, buffer in
                _ = try key.write(windowed.key, to: buffer)
                buffer.append(bigEndian: windowed.window.start.milliseconds)
            },
            read: { bytes in
                let inner = try innerKey(of: bytes, timesLength: 8)
                let start = Timestamp(milliseconds: bytes.loadBigEndian(at: inner.count))
                return Windowed(try key.read(inner), Window(start: start, end: start.advanced(byMilliseconds: size)))
            })
    }

    /// A key in a session: the key's bytes, then end and start of the session in 8 bytes each.
    ///
    /// All sessions of a key go to the key's partition. Kafka: `SessionWindowedSerde`.
    @inlinable
    public static func sessionWindowed<Key>(_ key: Serde<Key>) -> Serde<Windowed<Key>> where Value == Windowed<Key> {
        Serde(
            "session of \(key.name)", suffixOutsidePartitioning: 16,
            write: { windowed, buffer in
                _ = try key.write(windowed.key, to: buffer)
                buffer.append(bigEndian: windowed.window.end.milliseconds)
                buffer.append(bigEndian: windowed.window.start.milliseconds)
            },
            read: { bytes in
                let inner = try innerKey(of: bytes, timesLength: 16)
                return Windowed(
                    try key.read(inner),
                    Window(
                        start: Timestamp(milliseconds: bytes.loadBigEndian(at: inner.count + 8)),
                        end: Timestamp(milliseconds: bytes.loadBigEndian(at: inner.count))))
            })
    }
}

/// The bytes before the times at the end of a windowed key.
@usableFromInline
func innerKey(of bytes: UnsafeRawBufferPointer, timesLength: Int) throws -> UnsafeRawBufferPointer {
    guard bytes.count >= timesLength else {
        throw MillraceError(
            .serialization, "\(bytes.count) bytes are too few for a windowed key, which ends in \(timesLength) bytes of times")
    }
    return UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count - timesLength)])
}
