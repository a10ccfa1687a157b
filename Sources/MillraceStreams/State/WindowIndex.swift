import MillraceCore

/// The windows of a window store in the order of their starts, then keys: what is looked through when windows close.
///
/// Held in memory only. It is built again from the rows when a store is opened or restored, so it needs no changelog and no disk. Kafka keeps the rows themselves in this order
/// (KIP-825), at the price of a second index for look-ups by key.
final class WindowIndex {
    /// Eight bytes of start, then the key.
    private let keys = KeyTable()
    private let order: KeyOrder
    private let buffer = ByteBuffer()

    init() {
        order = KeyOrder(of: keys)
    }

    var byteCount: Int { keys.byteCount }

    func add(_ start: Int64, _ key: UnsafeRawBufferPointer) {
        buffer.removeAll()
        buffer.append(bigEndian: start)
        buffer.append(key)
        let (slot, isNew) = keys.insert(buffer.bytes)
        if isNew { order.insert(slot) }
    }

    /// Forgets the windows that start before `start`.
    func removeAll(before start: Int64) {
        while case let slot = order.first, slot >= 0, keys.key(of: slot).loadBigEndian(as: Int64.self) < start {
            order.remove(slot)
            keys.remove(slot)
        }
    }

    /// Calls `body` for each start and key, in order, with starts in the range. It may add and remove windows; the bytes are valid during the call.
    func forEach(in starts: ClosedRange<Int64>, _ body: (Int64, UnsafeRawBufferPointer) throws -> Void) rethrows {
        let current = ByteBuffer()
        current.append(bigEndian: starts.lowerBound)
        while case let slot = order.seek(current.bytes), slot >= 0 {
            let key = keys.key(of: slot)
            let start = key.loadBigEndian(as: Int64.self)
            guard start <= starts.upperBound else { return }
            current.removeAll()
            current.append(key)
            try body(start, UnsafeRawBufferPointer(rebasing: current.bytes[8...]))
            // The first key behind this one.
            current.append(0)
        }
    }
}
