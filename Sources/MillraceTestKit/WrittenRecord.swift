import MillraceCore
import MillraceFormats

/// A record as a topology wrote it, in bytes.
public struct WrittenRecord: Hashable, Sendable {
    /// The key's bytes; `nil` is Kafka's null.
    public var key: [UInt8]?
    /// The value's bytes; `nil` is Kafka's null.
    public var value: [UInt8]?
    /// The record's time.
    public var timestamp: Timestamp
    /// The record's headers.
    public var headers: Headers

    /// A record in bytes, to compare with.
    public init(key: [UInt8]?, value: [UInt8]?, timestamp: Timestamp, headers: Headers = Headers()) {
        self.key = key
        self.value = value
        self.timestamp = timestamp
        self.headers = headers
    }

    init(_ raw: RawRecord) throws {
        self.init(
            key: raw.key.map { Array($0) }, value: raw.value.map { Array($0) }, timestamp: raw.timestamp,
            headers: try raw.headers.decoded())
    }
}
