import MillraceCore
import MillraceFormats

/// An entry as it lies in the journal: a header with a checksum, then the payload.
struct JournalFrame {
    /// `MLJ1`: where an entry starts, also for a person with a hex dump.
    static let magic: UInt32 = 0x4D4C_4A31
    /// Magic, length of the payload, checksum, sequence number, synced position.
    static let headerLength = 28
    private static let checksumPlace = 8
    private static let coveredFrom = 12

    /// Grows by one from entry to entry.
    var sequence: UInt64
    /// How much of the journal, and all the data that it speaks of, was known to be on the disk when the entry was written: before this place nothing can be torn.
    var syncedPosition: Int
    var entry: JournalEntry
    /// The bytes that it takes.
    var length: Int

    /// Appends an entry with its header.
    static func encode(_ entry: JournalEntry, sequence: UInt64, syncedPosition: Int, into buffer: ByteBuffer) {
        let start = buffer.count
        buffer.append(bigEndian: magic)
        buffer.append(bigEndian: UInt32(0))
        buffer.append(bigEndian: UInt32(0))
        buffer.append(bigEndian: sequence)
        buffer.append(bigEndian: UInt64(syncedPosition))
        entry.encode(into: buffer)
        let frame = UnsafeMutableRawBufferPointer(rebasing: buffer.mutableBytes[start...])
        frame.storeBytes(of: UInt32(frame.count - headerLength).bigEndian, toByteOffset: 4, as: UInt32.self)
        let checksum = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: frame[coveredFrom...]))
        frame.storeBytes(of: checksum.bigEndian, toByteOffset: checksumPlace, as: UInt32.self)
    }

    /// The entry at the start of `bytes`; `nil` when there is no whole and valid one.
    init?(startOf bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= JournalFrame.headerLength, bytes.loadBigEndian(at: 0, as: UInt32.self) == JournalFrame.magic else {
            return nil
        }
        let payloadLength = Int(bytes.loadBigEndian(at: 4, as: UInt32.self))
        guard payloadLength <= bytes.count - JournalFrame.headerLength else { return nil }
        length = JournalFrame.headerLength + payloadLength
        let covered = UnsafeRawBufferPointer(rebasing: bytes[JournalFrame.coveredFrom..<length])
        guard CRC32C.checksum(covered) == bytes.loadBigEndian(at: JournalFrame.checksumPlace, as: UInt32.self) else { return nil }
        sequence = bytes.loadBigEndian(at: 12)
        guard let synced = Int(exactly: bytes.loadBigEndian(at: 20, as: UInt64.self)),
            let entry = JournalEntry(UnsafeRawBufferPointer(rebasing: bytes[JournalFrame.headerLength..<length]))
        else { return nil }
        syncedPosition = synced
        self.entry = entry
    }
}
