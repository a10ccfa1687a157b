import Foundation
import Millrace
import MillraceFormats
import Testing

/// A foreign-key join whose tables are partitioned differently, on the embedded log.
@Suite struct ForeignKeyPartitionsTests {
    @Test func everyRowFindsItsPartnerAcrossPartitions() async throws {
        let path = NSTemporaryDirectory() + "millrace-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let log = try EmbeddedLog.open(at: path + "/log")
        try log.createTopic(TopicSpecification("products", partitions: 3))
        try log.createTopic(TopicSpecification("shops", partitions: 2))
        try log.createTopic(TopicSpecification("out", partitions: 1))
        let products = (0..<40).map { (key: "p\($0)", value: "s\($0 % 8)") }
        try write((0..<8).map { ("s\($0)", "shop \($0)") }, to: "shops", partitions: 2, of: log)
        try write(products, to: "products", partitions: 3, of: log)

        let builder = StreamsBuilder()
        let left: KTable<String, String> = builder.table("products")
        let right: KTable<String, String> = builder.table("shops")
        left.join(right, foreignKey: { $1 }) { product, shop in "\(product) at \(shop)" }.toStream().to("out")
        let app = StreamsApp(
            try builder.build(), on: .embedded(log, statePath: path + "/state"), configuration: .init(applicationID: "offers"))
        app.shutDownWhenIdle()
        try await app.run()

        let results = try read("out", of: log)
        #expect(results.count == products.count)
        for (index, product) in products.enumerated() {
            #expect(results[product.key] == "\(product.value) at shop \(index % 8)")
        }
        try log.close()
    }

    private func write(_ rows: [(key: String, value: String)], to topic: String, partitions: Int32, of log: EmbeddedLog) throws {
        let session = try log.openSession(named: "writer-\(topic)", group: "writer")
        for partition in 0..<partitions {
            let writer = RecordBatchWriter()
            for row in rows {
                try Array(row.key.utf8).withUnsafeBytes { key in
                    guard Murmur2.partition(forKey: key, count: partitions) == partition else { return }
                    try Array(row.value.utf8).withUnsafeBytes { try writer.append(timestamp: 1, key: key, value: $0) }
                }
            }
            guard writer.recordCount > 0 else { continue }
            try writer.finish()
            _ = try session.commit(
                [OutputBatches(partition: TopicPartition(topic, partition), bytes: writer.output, recordCount: writer.recordCount)],
                offsets: [:])
        }
        session.close()
    }

    private func read(_ topic: String, of log: EmbeddedLog) throws -> [String: String] {
        let session = try log.openSession(named: "reader", group: "reader")
        defer { session.close() }
        let partition = TopicPartition(topic, 0)
        let end = try log.offsetRange(of: partition).upperBound
        try session.assign([partition: 0])
        var rows: [String: String] = [:]
        var next = Offset(0)
        while next < end {
            for fetched in try session.poll(maxBytes: 1 << 20, timeout: .milliseconds(100)) {
                next = fetched.nextOffset
                var batches = RecordBatchCursor(fetched.bytes)
                while let batch = try batches.next() {
                    var records = try batch.records(decompressingInto: ByteBuffer())
                    while let record = try records.next() {
                        guard let key = record.key, let value = record.value else { continue }
                        rows[String(decoding: key, as: UTF8.self)] = String(decoding: value, as: UTF8.self)
                    }
                }
            }
        }
        return rows
    }
}
