/// What is expected of an internal topic: how it is created, and what is written to it.
struct ExpectedTopic: Codable, Sendable {
    var config: [String: String]
    var partitions: Int?
    /// Of repartition and foreign-key topics: all records in order.
    var records: [ByteRecord]?
    /// Of changelogs: the last record of each key, in the order of the keys' bytes.
    var compacted: [ByteRecord]?
}

/// A record of an internal topic; bytes are base64.
struct ByteRecord: Codable, Hashable, Sendable {
    var k: String?
    var v: String?
    /// `nil` where Kafka Streams leaves the time to the producer, so that any is right.
    var ts: Int64?
    var headers: [[String?]]?
}
