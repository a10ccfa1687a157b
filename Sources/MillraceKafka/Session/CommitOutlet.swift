import CRdKafka
import MillraceCore

/// Where a session's commits go.
protocol CommitOutlet: AnyObject {
    /// Makes outputs and offsets visible, as `TransportSession.commit`. Not called when there are neither.
    ///
    /// - Parameter place: The session's place in the group; `nil` while no group shares out the app's tasks.
    func commit(_ outputs: [OutputBatches], offsets: [TopicPartition: CommittedOffset], place: GroupPlace?) throws -> [Offset]
    /// The session reads with another consumer from now on.
    func use(_ consumer: KafkaClient)
}

extension CommitOutlet {
    func use(_ consumer: KafkaClient) {}
}

/// What became of the messages of a commit, told by librdkafka to whoever polls the producer.
final class Deliveries: @unchecked Sendable {
    /// For each output the offset of its first record, -1 until it is known. Used by the session's thread only.
    var firsts: [Int64] = []
    /// The first message that was not taken, and where to.
    var failure: (code: rd_kafka_resp_err_t, topic: String)?

    func begin(outputs: Int) {
        firsts = Array(repeating: -1, count: outputs)
        failure = nil
    }

    /// The function that librdkafka calls for each message.
    static let callback: @convention(c) (OpaquePointer?, UnsafePointer<rd_kafka_message_t>?, UnsafeMutableRawPointer?) -> Void = {
        client, message, opaque in
        guard let message, let opaque else { return }
        let failed = message.pointee.err != RD_KAFKA_RESP_ERR_NO_ERROR
        // Only the first record of an output carries its number, counted from 1.
        guard failed || message.pointee._private != nil else { return }
        let deliveries = Unmanaged<ClientReports>.fromOpaque(opaque).takeUnretainedValue().deliveries
        if failed {
            // What was given up with its transaction says nothing of why.
            let isConsequence = [RD_KAFKA_RESP_ERR__PURGE_QUEUE, RD_KAFKA_RESP_ERR__PURGE_INFLIGHT].contains(message.pointee.err)
            guard deliveries.failure == nil, !isConsequence else { return }
            let topic = message.pointee.rkt.flatMap { rd_kafka_topic_name($0) }.map { String(cString: $0) } ?? "?"
            deliveries.failure = (message.pointee.err, topic)
        } else {
            let index = Int(bitPattern: message.pointee._private) - 1
            if deliveries.firsts.indices.contains(index) { deliveries.firsts[index] = message.pointee.offset }
        }
    }
}
