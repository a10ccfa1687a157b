import CRdKafka
import MillraceCore

/// The answer to a request of librdkafka's admin interface, freed with this.
final class AdminAnswer {
    let event: OpaquePointer

    fileprivate init(_ event: OpaquePointer) {
        self.event = event
    }

    deinit { rd_kafka_event_destroy(event) }
}

extension KafkaClient {
    /// Sends a request of the admin interface and waits for the answer.
    ///
    /// - Parameters:
    ///   - what: What is being done, for the message of an error.
    ///   - configure: Sets further options.
    ///   - send: Hands the request to librdkafka, with the options and the queue that it is given.
    /// - Throws: `MillraceError` when the request as a whole failed; what is in the answer for its parts is the caller's to look at.
    func request(
        _ what: @autoclosure () -> String, _ kind: rd_kafka_admin_op_t, timeout: Duration,
        configure: (OpaquePointer) -> Void = { _ in }, send: (_ options: OpaquePointer, _ queue: OpaquePointer) -> Void
    ) throws -> AdminAnswer {
        guard let options = rd_kafka_AdminOptions_new(handle, kind), let queue = rd_kafka_queue_new(handle) else {
            throw MillraceError(.transport, "\(what()) failed: librdkafka gave no queue for it.")
        }
        defer {
            rd_kafka_queue_destroy(queue)
            rd_kafka_AdminOptions_destroy(options)
        }
        let milliseconds = Int32(clamping: timeout.milliseconds)
        rd_kafka_AdminOptions_set_request_timeout(options, milliseconds, nil, 0)
        configure(options)
        send(options, queue)
        // librdkafka answers at its own timeout; this one is for the case that it does not.
        guard let event = rd_kafka_queue_poll(queue, milliseconds + 5000) else {
            throw KafkaFailure.error(RD_KAFKA_RESP_ERR__TIMED_OUT, what(), trouble: reports.lastTrouble)
        }
        let answer = AdminAnswer(event)
        let code = rd_kafka_event_error(event)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw KafkaFailure.error(
                code, what(), detail: rd_kafka_event_error_string(event).map { String(cString: $0) }, trouble: reports.lastTrouble)
        }
        return answer
    }
}
