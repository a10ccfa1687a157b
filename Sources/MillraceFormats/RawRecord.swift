import MillraceCore

/// A record as its bytes lie in a batch, valid as long as those are.
public struct RawRecord {
    public var offset: Offset
    public var timestamp: Timestamp
    /// `nil` is Kafka's null.
    public var key: UnsafeRawBufferPointer?
    /// `nil` is Kafka's null: in a table, the deletion of the key.
    public var value: UnsafeRawBufferPointer?
    public var headers: RawHeaders
    /// The whole record with its length, as it lies in the batch.
    public var encoded: UnsafeRawBufferPointer

    @inlinable
    init(
        offset: Offset, timestamp: Timestamp, key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?, headers: RawHeaders,
        encoded: UnsafeRawBufferPointer
    ) {
        self.offset = offset
        self.timestamp = timestamp
        self.key = key
        self.value = value
        self.headers = headers
        self.encoded = encoded
    }
}

/// The headers of a record, not decoded before someone asks: most records have none, and most readers ignore those of the others.
public struct RawHeaders {
    public let count: Int
    @usableFromInline let bytes: UnsafeRawBufferPointer

    @inlinable
    init(count: Int, bytes: UnsafeRawBufferPointer) {
        self.count = count
        self.bytes = bytes
    }

    /// The headers as values of their own.
    ///
    /// - Throws: `MillraceError` of kind `corruption` when the bytes are not headers or a name is not UTF-8.
    @inlinable
    public func decoded() throws -> Headers {
        count == 0 ? Headers() : try decodedSlowly()
    }

    @usableFromInline
    func decodedSlowly() throws -> Headers {
        var headers = Headers()
        guard var place = bytes.baseAddress else { throw RawHeaders.corrupt }
        let end = place + bytes.count
        for _ in 0..<count {
            guard let name = RawHeaders.take(&place, end: end), let bytesOfName = name,
                let text = String(validating: bytesOfName, as: UTF8.self),
                let value = RawHeaders.take(&place, end: end)
            else { throw RawHeaders.corrupt }
            headers.append(Header(text, value.map { Array($0) }))
        }
        guard place == end else { throw RawHeaders.corrupt }
        return headers
    }

    /// A length and that many bytes: `.some(nil)` for the length -1, `nil` when the bytes do not hold it.
    private static func take(_ place: inout UnsafeRawPointer, end: UnsafeRawPointer) -> UnsafeRawBufferPointer?? {
        guard let length = Varint.readZigzag(&place, end: end) else { return nil }
        if length == -1 { return .some(nil) }
        guard length >= 0, length <= end - place else { return nil }
        let bytes = UnsafeRawBufferPointer(start: place, count: Int(length))
        place += Int(length)
        return .some(bytes)
    }

    private static var corrupt: MillraceError { MillraceError(.corruption, "The headers of a record are not valid.") }
}
