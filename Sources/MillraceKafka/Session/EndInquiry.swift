import CRdKafka
import MillraceCore
import MillraceSystem

/// Asks the leaders of partitions for their ends, on a thread of its own: they may take long to answer, and the session has other things to do.
final class EndInquiry: @unchecked Sendable {
    /// What is asked.
    struct Question {
        /// The client that reads, so that it is known how far that may read.
        var reader: KafkaClient
        /// Reads what is not committed, too.
        var admin: KafkaClient
        var partitions: [TopicPartition]
        /// Of those also how far open transactions have come.
        var written: [TopicPartition]
    }

    private let monitor = Monitor()
    private let changed: Condition
    private var question: Question?
    private var answer: [TopicPartition: Quiet.End]?
    private var isAsking = false
    private var isOver = false
    private var thread: BackgroundThread?
    private static let timeout: Int32 = 2000

    init() {
        changed = Condition(of: monitor)
    }

    /// Asks.
    ///
    /// - Returns: `false` while another question is not answered yet.
    func ask(_ question: Question) -> Bool {
        monitor.locked {
            guard !isOver, !isAsking, answer == nil else { return false }
            self.question = question
            isAsking = true
            changed.signal()
            if thread == nil { thread = BackgroundThread { [self] in work() } }
            return true
        }
    }

    /// The ends of those partitions whose leaders have told them, once; `nil` while there is no answer.
    func takeAnswer() -> [TopicPartition: Quiet.End]? {
        monitor.locked {
            defer { answer = nil }
            return answer
        }
    }

    /// Ends the thread, which may take until its question is answered. Nobody waits for that.
    func end() {
        monitor.locked {
            isOver = true
            changed.signal()
        }
    }

    private func work() {
        while let question = next() {
            var ends = EndInquiry.ends(of: question.partitions, question.reader).mapValues { Quiet.End(committed: $0) }
            let written = question.written.isEmpty ? [:] : EndInquiry.ends(of: question.written, question.admin)
            for (partition, end) in written { ends[partition]?.written = end }
            monitor.locked {
                answer = ends
                isAsking = false
            }
        }
        // Its own, which only says that nobody else will wait for it.
        monitor.locked { thread }?.join()
    }

    private func next() -> Question? {
        monitor.locked {
            while question == nil, !isOver { changed.wait() }
            defer { question = nil }
            return isOver ? nil : question
        }
    }

    /// All at once, or those that can be told when that fails.
    private static func ends(of partitions: [TopicPartition], _ client: KafkaClient) -> [TopicPartition: Int64] {
        let all = client.offsets(.last, of: partitions, timeoutMilliseconds: timeout)
        guard all.code != RD_KAFKA_RESP_ERR_NO_ERROR else { return all.offsets }
        for topic in Set(partitions.map(\.topic)) { client.learnLeaders(of: topic, timeoutMilliseconds: timeout) }
        return partitions.reduce(into: [:]) { ends, partition in
            ends.merge(client.offsets(.last, of: [partition], timeoutMilliseconds: timeout / 4).offsets) { $1 }
        }
    }
}
