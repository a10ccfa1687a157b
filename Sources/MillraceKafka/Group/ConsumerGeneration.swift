import CRdKafka

/// The generation of a consumer's group, which librdkafka 2.0 tells only within the bytes that it makes of its membership.
enum ConsumerGeneration {
    private static let magic = Array("CGMDv2:".utf8)

    /// - Returns: `nil` when the consumer is not in the group, or librdkafka writes its membership in another way.
    static func current(of consumer: KafkaClient) -> Int32? {
        guard let metadata = rd_kafka_consumer_group_metadata(consumer.handle) else { return nil }
        defer { rd_kafka_consumer_group_metadata_destroy(metadata) }
        var bytes: UnsafeMutableRawPointer?
        var size = 0
        if let error = LibraryError(rd_kafka_consumer_group_metadata_write(metadata, &bytes, &size)) {
            _ = error.code
            return nil
        }
        guard let bytes else { return nil }
        defer { rd_kafka_mem_free(nil, bytes) }
        return read(UnsafeRawBufferPointer(start: bytes, count: size))
    }

    /// The magic word, then the generation in the machine's own order.
    static func read(_ bytes: UnsafeRawBufferPointer) -> Int32? {
        guard bytes.count >= magic.count + 4, bytes.prefix(magic.count).elementsEqual(magic) else { return nil }
        let generation = bytes.loadUnaligned(fromByteOffset: magic.count, as: Int32.self)
        return generation >= 0 ? generation : nil
    }
}
