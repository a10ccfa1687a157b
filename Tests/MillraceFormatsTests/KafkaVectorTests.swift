import Foundation
import MillraceCore
import Testing

@testable import MillraceFormats

/// What the real Kafka writes is read.
@Suite struct KafkaVectorTests {
    private func bytes(_ name: String) throws -> [UInt8] {
        let text = try #require(KafkaVectors.batches[name])
        return Array(try #require(Data(base64Encoded: text)))
    }

    private func record(_ number: Int, timestamp: Int64? = nil) -> PlainRecord {
        PlainRecord(
            timestamp: timestamp ?? Int64(1000 + number * 10),
            key: number == 1 ? nil : Array("key\(number)".utf8),
            value: number == 2 ? nil : Array("value\(number)-\(String(repeating: "x", count: 30))".utf8),
            headers: number % 2 == 0 ? [] : [Header("name", text: "h\(number)"), Header("none", nil)])
    }

    @Test(arguments: Compression.allCases)
    func compressedBatches(_ compression: Compression) throws {
        try bytes(compression.name).withUnsafeBytes { bytes in
            let header = try RecordBatch(startOf: bytes)
            #expect(header.compression == compression)
            let read = try decode(bytes)
            #expect(read.map(\.offset) == [100, 101, 102, 103])
            #expect(read.map(\.record) == (0..<4).map { record($0) })
        }
    }

    @Test func ourBytesAreThoseOfKafka() throws {
        let written = try encode((0..<4).map { record($0) })
        RecordBatchHeader.place(written.mutableBytes, at: 100, leaderEpoch: 5)
        let kafkas = try bytes("none")
        #expect(Array(written.bytes) == kafkas)
    }

    @Test func appendTimeIsTheTimeOfAll() throws {
        try bytes("append-time").withUnsafeBytes { bytes in
            let header = try RecordBatch(startOf: bytes)
            #expect(header.isLogAppendTime)
            let found = try decode(bytes)
            #expect(found.map(\.record) == (0..<2).map { record($0, timestamp: 5000) })
        }
    }

    @Test func transactionsAndTheirMarkersAreTold() throws {
        try bytes("transactional").withUnsafeBytes { bytes in
            let batch = try RecordBatch(startOf: bytes)
            #expect(batch.isTransactional && !batch.isControl)
            #expect(batch.producerID == 42 && batch.producerEpoch == 3 && batch.baseSequence == 17)
            let found = try decode(bytes)
            #expect(found.count == 2)
        }
        try bytes("control").withUnsafeBytes { bytes in
            let batch = try RecordBatch(startOf: bytes)
            #expect(batch.isTransactional && batch.isControl && batch.baseOffset == 104)
            // Version 0, type 1: a commit.
            let found = try decode(bytes)
            #expect(found.map(\.record.key) == [[0, 0, 0, 1]])
        }
    }

    @Test func aBatchThatCompactionEmptiedHoldsItsPlace() throws {
        try bytes("empty").withUnsafeBytes { bytes in
            let batch = try RecordBatch(startOf: bytes)
            #expect(batch.baseOffset == 200 && batch.nextOffset == 208 && batch.recordCount == 0)
            let found = try decode(bytes)
            #expect(found.isEmpty)
        }
    }
}
