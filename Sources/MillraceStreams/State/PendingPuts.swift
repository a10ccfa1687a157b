import MillraceCore

/// The puts of a store since its last commit, as bytes, for stores whose changelogs get every put and not only the last of each key.
@usableFromInline
final class PendingPuts {
    private let entries = ByteBuffer()
    /// The length of a value that is none.
    private static var noValue: Int64 { -1 }

    @usableFromInline
    init() {}

    @usableFromInline var isEmpty: Bool { entries.count == 0 }
    var byteCount: Int { entries.count }

    @usableFromInline
    func append(key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer?, _ timestamp: Timestamp) {
        entries.append(bigEndian: timestamp.milliseconds)
        entries.append(bigEndian: Int64(key.count))
        entries.append(bigEndian: value.map { Int64($0.count) } ?? Self.noValue)
        entries.append(key)
        if let value { entries.append(value) }
    }

    /// Hands over the puts in their order, and forgets them.
    func drain(to changelog: ChangelogSink) throws {
        let bytes = entries.bytes
        var place = 0
        while place < bytes.count {
            let timestamp: Int64 = bytes.loadBigEndian(at: place)
            let keyEnd = place + 24 + Int(bytes.loadBigEndian(at: place + 8, as: Int64.self))
            let valueLength: Int64 = bytes.loadBigEndian(at: place + 16)
            let end = keyEnd + Int(max(0, valueLength))
            try changelog(
                UnsafeRawBufferPointer(rebasing: bytes[place + 24..<keyEnd]),
                valueLength == Self.noValue ? nil : UnsafeRawBufferPointer(rebasing: bytes[keyEnd..<end]),
                Timestamp(milliseconds: timestamp), Headers())
            place = end
        }
        entries.removeAll()
    }
}
