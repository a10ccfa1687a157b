import MillraceCore

extension RawHeaders {
    /// Headers that were made, not read. Their bytes are written to `buffer`, which is emptied first, and must be left alone as long as they are used.
    public init(_ headers: Headers, writtenTo buffer: ByteBuffer) {
        buffer.removeAll()
        for header in headers {
            var name = header.name
            name.withUTF8 { buffer.append(lengthAnd: UnsafeRawBufferPointer($0)) }
            guard let value = header.value else {
                buffer.append(zigzag: -1)
                continue
            }
            value.withUnsafeBytes { buffer.append(lengthAnd: $0) }
        }
        self.init(count: headers.count, bytes: buffer.bytes)
    }
}

extension ByteBuffer {
    fileprivate func append(lengthAnd bytes: UnsafeRawBufferPointer) {
        append(zigzag: Int64(bytes.count))
        append(bytes)
    }

    fileprivate func append(zigzag value: Int64) {
        withUnsafeTemporaryAllocation(byteCount: 10, alignment: 1) { room in
            guard let start = room.baseAddress else { return }
            let end = Varint.write(zigzag: value, to: start)
            append(UnsafeRawBufferPointer(start: start, count: end - start))
        }
    }
}
