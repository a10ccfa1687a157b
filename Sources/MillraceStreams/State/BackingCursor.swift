import MillraceCore

/// Walks the committed rows of one store in either direction, with the store's prefix taken off the keys.
@usableFromInline
final class BackingCursor {
    private let cursor: any ByteStoreCursor
    private let prefixLength: Int
    private let reversed: Bool
    private var isValid = false

    @usableFromInline
    init(_ backing: Backing, from lower: UnsafeRawBufferPointer, to upper: UnsafeRawBufferPointer?, reversed: Bool) throws {
        let from = backing.prefix + Array(lower)
        let to = upper.map { backing.prefix + Array($0) } ?? BackingCursor.successor(of: backing.prefix)
        cursor = try from.withUnsafeBytes { from in
            guard let to else { return try backing.store.cursor(from: from, to: nil) }
            return try to.withUnsafeBytes { try backing.store.cursor(from: from, to: $0) }
        }
        prefixLength = backing.prefix.count
        self.reversed = reversed
        try advance()
    }

    /// The key it stands on without the prefix; `nil` at the end.
    @usableFromInline var key: UnsafeRawBufferPointer? {
        isValid ? UnsafeRawBufferPointer(rebasing: cursor.key[prefixLength...]) : nil
    }

    @usableFromInline var value: UnsafeRawBufferPointer { cursor.value }

    @usableFromInline
    func advance() throws {
        isValid = reversed ? try cursor.previous() : try cursor.next()
    }

    /// Moves to the first key that is `key`, given with the store's prefix, or greater.
    func seek(toFullKey key: UnsafeRawBufferPointer) throws {
        isValid = try cursor.seek(to: key)
    }

    /// The first key behind all that begin with `prefix`; `nil` when there is none.
    static func successor(of prefix: [UInt8]) -> [UInt8]? {
        guard let last = prefix.lastIndex(where: { $0 < 255 }) else { return nil }
        var next = Array(prefix[...last])
        next[last] += 1
        return next
    }
}
