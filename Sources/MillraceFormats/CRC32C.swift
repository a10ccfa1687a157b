import CMillraceBytes

/// The checksum of Kafka's record batches: CRC-32C (Castagnoli), by the processor's own instruction where it has one.
public enum CRC32C {
    /// The checksum of `bytes`, or of what `previous` is the checksum of followed by `bytes`.
    public static func checksum(_ bytes: UnsafeRawBufferPointer, continuing previous: UInt32 = 0) -> UInt32 {
        guard let base = bytes.baseAddress else { return previous }
        return millrace_crc32c(previous, base, bytes.count)
    }

    /// The same by tables alone: slow, and what the fast one is tested against.
    static func portableChecksum(_ bytes: UnsafeRawBufferPointer, continuing previous: UInt32 = 0) -> UInt32 {
        guard let base = bytes.baseAddress else { return previous }
        return millrace_crc32c_portable(previous, base, bytes.count)
    }
}
