import MillraceCore

/// The windows of a store in the order of a time, their start or for sessions their end, then of the rest of their key: what is looked through when windows close.
///
/// Held in memory only. It is built again from the rows when a store is opened or restored, so it needs no changelog and no disk. Kafka keeps the rows themselves in this order
/// (KIP-825), at the price of a second index for look-ups by key.
@usableFromInline
final class WindowIndex {
    /// Eight bytes of time, then the rest.
    private let keys = KeyTable()
    private let order: KeyOrder
    private let buffer = ByteBuffer()

    init() {
        order = KeyOrder(of: keys)
    }

    var byteCount: Int { keys.byteCount }

    func add(_ time: Int64, _ rest: UnsafeRawBufferPointer) {
        let (slot, isNew) = keys.insert(bytes(of: time, rest))
        if isNew { order.insert(slot) }
    }

    func remove(_ time: Int64, _ rest: UnsafeRawBufferPointer) {
        let slot = keys.find(bytes(of: time, rest))
        if slot >= 0 { remove(slot) }
    }

    /// Forgets the windows of earlier times.
    func removeAll(before time: Int64) {
        while case let slot = order.first, slot >= 0, keys.key(of: slot).loadBigEndian(as: Int64.self) < time { remove(slot) }
    }

    /// Calls `body` for the time and the rest of each window with a time in the range, in order. It may add and remove windows; the bytes are valid during the call.
    @usableFromInline
    func forEach(in times: ClosedRange<Int64>, _ body: (Int64, UnsafeRawBufferPointer) throws -> Void) rethrows {
        let current = ByteBuffer()
        current.append(bigEndian: times.lowerBound)
        while case let slot = order.seek(current.bytes), slot >= 0 {
            let key = keys.key(of: slot)
            let time = key.loadBigEndian(as: Int64.self)
            guard time <= times.upperBound else { return }
            current.removeAll()
            current.append(key)
            try body(time, UnsafeRawBufferPointer(rebasing: current.bytes[8...]))
            // The first key behind this one.
            current.append(0)
        }
    }

    private func remove(_ slot: Int) {
        order.remove(slot)
        keys.remove(slot)
    }

    private func bytes(of time: Int64, _ rest: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        buffer.removeAll()
        buffer.append(bigEndian: time)
        buffer.append(rest)
        return buffer.bytes
    }
}
