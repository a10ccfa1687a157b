import CRdKafka
import MillraceCore

/// One partition that a session reads: the queue in which librdkafka keeps what it has fetched ahead.
///
/// Each partition has a queue of its own, so that one that is paused is simply left alone: librdkafka stops fetching when the queue is full, and nothing that was fetched is
/// thrown away, as its own way of pausing does.
final class PartitionQueue {
    let partition: TopicPartition
    private let queue: OpaquePointer
    /// The offset behind what was delivered.
    private(set) var position: Int64
    var isPaused = false
    /// An error that came behind records which were delivered first.
    private var failure: (any Error)?
    /// Roughly the size of a record, to guess how many fit.
    private var averageSize = 256
    /// Whether the queue was seen full: then librdkafka fetches nothing until it looks again.
    private(set) var wasFull = false

    /// - Parameter pipe: Where it is told that something has come. To be called before librdkafka begins to fetch, as records might go to the consumer's own queue else.
    init?(_ partition: TopicPartition, from offset: Offset, of consumer: KafkaClient, telling pipe: WakePipe) {
        guard let queue = rd_kafka_queue_get_partition(consumer.handle, partition.topic, partition.partition) else { return nil }
        self.partition = partition
        self.queue = queue
        position = offset.value
        rd_kafka_queue_forward(queue, nil)
        var byte: UInt8 = 0
        rd_kafka_queue_io_event_enable(queue, pipe.writer, &byte, 1)
    }

    deinit {
        rd_kafka_queue_io_event_enable(queue, -1, nil, 0)
        rd_kafka_queue_destroy(queue)
    }

    /// What was read from a queue.
    struct Reading {
        var bytes: Int
        /// Whether the position has moved, be it over offsets without a record.
        var hasMoved: Bool
    }

    /// Takes what is there, up to about `maxBytes`, without waiting.
    ///
    /// - Throws: `MillraceError` when librdkafka says that the partition cannot be read on, and `OutOfRange`; what came before was delivered.
    func read(
        maxBytes: Int, messages: UnsafeMutableBufferPointer<UnsafeMutablePointer<rd_kafka_message_t>?>, into block: FetchedBlock
    ) throws -> Reading {
        if let failure {
            self.failure = nil
            throw failure
        }
        let count = min(messages.count, max(1, maxBytes / averageSize))
        let found = rd_kafka_consume_batch_queue(queue, 0, messages.baseAddress, count)
        guard found > 0 else { return Reading(bytes: 0, hasMoved: false) }
        let start = position
        var records = 0
        for index in 0..<found {
            guard let message = messages[index] else { continue }
            defer { rd_kafka_message_destroy(message) }
            guard failure == nil else { continue }
            switch message.pointee.err {
            case RD_KAFKA_RESP_ERR_NO_ERROR where message.pointee.offset >= position:
                do {
                    try block.append(message)
                    position = message.pointee.offset + 1
                    records += 1
                } catch { failure = error }
            case RD_KAFKA_RESP_ERR_NO_ERROR: break
            // How far it is without a record: markers of transactions have offsets too.
            case RD_KAFKA_RESP_ERR__PARTITION_EOF: position = max(position, message.pointee.offset)
            case let code where PartitionQueue.isPassing(code): break
            case let code: failure = error(code)
            }
        }
        block.seal()
        let bytes = block.bytes.count
        if records > 0 { averageSize = max(16, (averageSize * 3 + bytes / records) / 4) }
        if position == start, let failure {
            self.failure = nil
            throw failure
        }
        return Reading(bytes: bytes, hasMoved: position != start)
    }

    /// Whether all that came was taken, and more would be.
    var isWaiting: Bool { !isPaused && failure == nil && rd_kafka_queue_length(queue) == 0 }

    /// Throws away what is there.
    func drain(_ messages: UnsafeMutableBufferPointer<UnsafeMutablePointer<rd_kafka_message_t>?>) {
        while case let found = rd_kafka_consume_batch_queue(queue, 0, messages.baseAddress, messages.count), found > 0 {
            for message in messages[..<found] { rd_kafka_message_destroy(message) }
        }
    }

    /// Lets the next `read` throw this error.
    func postpone(_ error: any Error) {
        failure = error
    }

    /// Looks how full the queue is.
    ///
    /// - Returns: Whether it was full and has room again, so that librdkafka should be told to look.
    func hasRoomAgain(full: Int) -> Bool {
        let length = rd_kafka_queue_length(queue)
        if length >= full { wasFull = true }
        guard wasFull, length < full / 2 else { return false }
        wasFull = false
        return true
    }

    /// What librdkafka tries again by itself.
    private static func isPassing(_ code: rd_kafka_resp_err_t) -> Bool {
        code != RD_KAFKA_RESP_ERR__AUTHENTICATION && code != RD_KAFKA_RESP_ERR__SSL
            && (KafkaFailure.isConnection(code) || KafkaFailure.isPassing(code))
    }

    private func error(_ code: rd_kafka_resp_err_t) -> any Error {
        switch code {
        case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
            OutOfRange(
                error: MillraceError(
                    .transport,
                    "Reading \(partition) cannot go on at offset \(position): its record is not there any more. Assign the partition from where it starts now, and give the topic a longer retention if the records were still needed."
                ))
        case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
            MillraceError(
                .transport, "The topic \(partition.topic) was deleted, or lost partition \(partition.partition), while it was being read.")
        default: KafkaFailure.error(code, "Reading \(partition)")
        }
    }
}

/// A broker says that it does not have what comes next. It may be one that does not lead the partition, and has not all of it yet.
struct OutOfRange: Error {
    /// What to say if it is true.
    var error: MillraceError
}
