import MillraceCore
import MillraceFormats

extension Serde {
    /// The serde of changes of this type, as they travel through the repartition topic of a grouped table.
    ///
    /// The last byte says what stands before it: `0` the old value alone, `1` the new value alone, `2` the length of the new value (a zigzag varint), the new value and the
    /// old one. That a change may concern the past is not written: such changes do not get into the topic. Kafka: `ChangedSerializer`.
    @inlinable
    func changes() -> Serde<Change<Value>> {
        let inner = self
        return Serde<Change<Value>>(
            "change of \(name)", write: { try inner.write(change: $0, to: $1) }, read: { try inner.readChange($0) })
    }

    @inlinable
    func write(change: Change<Value>, to buffer: ByteBuffer) throws {
        switch (change.new, change.old) {
        case (let new?, let old?):
            let start = buffer.count
            _ = try write(new, to: buffer)
            // The length is only known now, and takes as many bytes as it needs: the value makes room for it.
            let length = buffer.count - start
            let prefix = Varint.length(zigzag: Int64(length))
            _ = buffer.reserve(prefix)
            buffer.commit(prefix)
            if let value = buffer.mutableBytes.baseAddress.map({ $0 + start }) {
                (value + prefix).copyMemory(from: value, byteCount: length)
                _ = Varint.write(zigzag: Int64(length), to: value)
            }
            _ = try write(old, to: buffer)
            buffer.append(2)
        case (let new?, nil):
            _ = try write(new, to: buffer)
            buffer.append(1)
        case (nil, let old?):
            _ = try write(old, to: buffer)
            buffer.append(0)
        case (nil, nil):
            throw MillraceError(.serialization, "a change from no value to no value is none, and cannot be written")
        }
    }

    @inlinable
    func readChange(_ bytes: UnsafeRawBufferPointer) throws -> Change<Value> {
        guard let flag = bytes.last, let start = bytes.baseAddress else {
            throw MillraceError(.serialization, "a change of a table is at least one byte long")
        }
        let values = UnsafeRawBufferPointer(rebasing: bytes.dropLast())
        switch flag {
        case 0: return Change(new: nil, old: try read(values))
        case 1: return Change(new: try read(values), old: nil)
        case 2:
            var place = UnsafeRawPointer(start)
            let end = start + values.count
            guard let length = Varint.readZigzag(&place, end: end), (0...Int64(end - place)).contains(length) else {
                throw MillraceError(
                    .serialization, "the new value of a change is said to be longer than the change of \(bytes.count) bytes")
            }
            let new = UnsafeRawBufferPointer(start: place, count: Int(length))
            let old = UnsafeRawBufferPointer(start: place + Int(length), count: end - place - Int(length))
            return Change(new: try read(new), old: try read(old))
        default:
            throw MillraceError(.serialization, "a change of a table ends in 0, 1 or 2, not in \(flag)")
        }
    }
}
