import MillraceCore

extension Transport {
    /// Calls `body` for each committed record of a topic up to its end as it is now, partition by partition, each in its order: for tools and tests.
    ///
    ///     var counts: [String: Int64] = [:]
    ///     try transport.forEachRecord(of: "word-counts") { record in
    ///         if let key = record.key { counts[try Serde.string.read(key)] = try record.value.map { try Serde.int64.read($0) } }
    ///     }
    ///
    /// Nothing when there is no such topic. Kafka: a consumer that is assigned all partitions, seeks to their beginning and stops at their `endOffsets`.
    ///
    /// - Parameter body: The record's bytes are valid during the call.
    /// - Throws: `MillraceError` when the topic cannot be read or its bytes are damaged, and what `body` throws.
    public func forEachRecord(of topic: String, _ body: (RawRecord) throws -> Void) throws {
        var positions: [TopicPartition: Offset] = [:]
        try forEachRecord(of: topic, from: &positions, body)
    }

    /// The same from where an earlier call has ended.
    ///
    /// - Parameter positions: Where to begin, in partitions that have an offset here; the ends afterwards.
    public func forEachRecord(
        of topic: String, from positions: inout [TopicPartition: Offset], _ body: (RawRecord) throws -> Void
    ) throws {
        guard let partitions = try describeTopic(topic)?.partitions else { return }
        let reader = "reader of \(topic)"
        // Nothing is committed, so that the weaker promise costs a cluster no transactions.
        let session = try openSession(named: reader, group: reader, guarantee: .atLeastOnce)
        defer { session.close() }
        let scratch = ByteBuffer()
        for partition in (0..<partitions).map({ TopicPartition(topic, $0) }) {
            let range = try offsetRange(of: partition)
            var position = positions[partition] ?? range.lowerBound
            try session.assign([partition: position])
            while position < range.upperBound {
                for fetched in try session.poll(maxBytes: 1 << 20, timeout: .seconds(1)) {
                    var batches = RecordBatchCursor(fetched.bytes)
                    while let batch = try batches.next() {
                        if batch.isControl { continue }
                        var records = try batch.records(decompressingInto: scratch)
                        while let record = try records.next() {
                            if record.offset >= position, record.offset < range.upperBound { try body(record) }
                        }
                    }
                    position = fetched.nextOffset
                }
            }
            // What was committed meanwhile is for the next call.
            positions[partition] = max(positions[partition] ?? range.lowerBound, range.upperBound)
        }
    }
}
