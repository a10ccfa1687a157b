import MillraceCore
import Testing

@testable import MillraceCluster
@testable import MillraceWire

/// Requests and answers as bytes.
@Suite struct WireTests {
    @Test func aFrameHasItsLengthAndHeader() {
        let frame = SaslHandshakeRequest(mechanism: "PLAIN").frame(correlation: 7, clientID: "me")
        #expect(Array(frame.bytes) == [0, 0, 0, 19, 0, 17, 0, 1, 0, 0, 0, 7, 0, 2, 109, 101, 0, 5, 80, 76, 65, 73, 78])
        let flexible = FindCoordinatorRequest(group: "g").frame(correlation: 1, clientID: "")
        #expect(Array(flexible.bytes) == [0, 0, 0, 16, 0, 10, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 2, 2, 103, 0])
    }

    @Test func anAnswerIsRead() throws {
        // One coordinator: key g, node 2, host h, port 9, no error.
        let bytes: [UInt8] = [0, 0, 0, 5, 0, 0, 0, 0, 0, 2, 2, 103, 0, 0, 0, 2, 2, 104, 0, 0, 0, 9, 0, 0, 0, 0, 0]
        let answer = try bytes.withUnsafeBytes { try FindCoordinatorRequest.response($0, correlation: 5) }
        #expect(answer.address == BrokerAddress(host: "h", port: 9) && answer.error == .none)
        #expect(throws: MillraceError.self) { try bytes.withUnsafeBytes { _ = try FindCoordinatorRequest.response($0, correlation: 6) } }
    }

    @Test func heartbeatsCarryTasksBothWays() throws {
        var bytes: [UInt8] = [0, 0, 0, 1, 0]
        bytes += [0, 0, 0, 0, 0, 0, 0, 2, 109, 0, 0, 0, 9, 0, 0, 19, 136, 0, 0, 0, 0, 0, 0, 0, 0]
        bytes += [2, 3, 2, 120, 0]  // one status, code 3, detail "x"
        bytes += [2, 2, 49, 3, 0, 0, 0, 0, 0, 0, 0, 4, 0]  // active: subtopology 1, partitions 0 and 4
        bytes += [1, 0, 0, 0, 0, 0, 0, 0]
        // The first byte of the status array follows the error message's null.
        bytes[11] = 0
        let answer = try bytes.withUnsafeBytes { try StreamsGroupHeartbeatRequest.response($0, correlation: 1) }
        #expect(answer.memberEpoch == 9 && answer.heartbeatIntervalMilliseconds == 5000)
        #expect(answer.status == [.init(kind: .missingInternalTopics, detail: "x")])
        #expect(answer.assignment == TaskAssignment(active: [TaskID(subtopology: 1, partition: 0), TaskID(subtopology: 1, partition: 4)]))
    }

    @Test func committedOffsetsAreRead() throws {
        // Throttled for 0 ms; topic "t" with 3 partitions: one committed with a note, one not, one of which is not decided.
        var bytes: [UInt8] = [0, 0, 0, 1, 0] + [0, 0, 0, 0] + [2, 2, 0x74, 4]
        bytes += [0, 0, 0, 0] + [0, 0, 0, 0, 0, 0, 1, 2] + [0, 0, 0, 0] + [2, 0x6e] + [0, 0, 0]
        bytes += [0, 0, 0, 1] + [UInt8](repeating: 0xff, count: 8) + [0xff, 0xff, 0xff, 0xff] + [0] + [0, 0, 0]
        bytes += [0, 0, 0, 2] + [UInt8](repeating: 0xff, count: 8) + [0xff, 0xff, 0xff, 0xff] + [0] + [0, 88, 0]
        bytes += [0] + [0, 0] + [0]
        let answer = try bytes.withUnsafeBytes { try OffsetFetchRequest.response($0, correlation: 1) }
        #expect(answer.error == .none)
        #expect(answer.offsets == [TopicPartition("t", 0): CommittedOffset(258, metadata: "n")])
        #expect(answer.errors == [TopicPartition("t", 2): .unstableOffsetCommit])
    }

    /// Whatever comes over the wire, reading it ends, with an answer or an error, and takes no more memory than the bytes are worth.
    @Test func nonsenseIsAnErrorAndNoMore() {
        var state: UInt64 = 42
        func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> 33
        }
        for _ in 0..<5000 {
            var bytes: [UInt8] = [0, 0, 0, 1]
            for _ in 0..<next() % 120 { bytes.append(next() % 3 == 0 ? UInt8(next() % 4) : UInt8(truncatingIfNeeded: next())) }
            bytes.withUnsafeBytes { bytes in
                for read: (UnsafeRawBufferPointer) throws -> Void in [
                    { _ = try ApiVersionsRequest.response($0, correlation: 1) }, { _ = try MetadataRequest.response($0, correlation: 1) },
                    { _ = try FindCoordinatorRequest.response($0, correlation: 1) },
                    { _ = try ListOffsetsRequest.response($0, correlation: 1) },
                    { _ = try OffsetCommitRequest.response($0, correlation: 1) },
                    { _ = try OffsetFetchRequest.response($0, correlation: 1) },
                    { _ = try SaslHandshakeRequest.response($0, correlation: 1) },
                    { _ = try SaslAuthenticateRequest.response($0, correlation: 1) },
                    { _ = try StreamsGroupHeartbeatRequest.response($0, correlation: 1) },
                ] {
                    do { try read(bytes) } catch { #expect(error is MillraceError) }
                }
            }
        }
    }

    @Test(arguments: [
        ("host:9093", "host:9093"), ("host", "host:9092"), ("[::1]:9", "[::1]:9"), ("SASL_SSL://b.example:1", "b.example:1"),
        ("::1", "[::1]:9092"),
    ])
    func addressesAreRead(_ text: String, _ expected: String) throws {
        #expect(try BrokerAddress(text).description == expected)
    }

    @Test(arguments: ["", ":9092", "host:0", "host:65536", "host:x", "[]:1"]) func nonsenseIsNoAddress(_ text: String) {
        #expect(throws: MillraceError.self) { try BrokerAddress(text) }
    }
}
