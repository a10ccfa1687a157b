import MillraceCore
import MillraceFormats

/// Carries out the failure policies of a task: leaves failed records out, counted, and sends them to a dead-letter topic where that is wished.
struct DeadLetters {
    let policies: FailurePolicies
    let context: TaskContext

    /// - Throws: `error`, when the policy is to stop.
    func handle(_ error: any Error, for record: RawRecord, from topic: String) throws {
        let failure = (error as? MillraceError) ?? MillraceError(.processing, "Processing failed.", cause: error)
        let policy = policies.policy(for: failure)
        guard policy != .stop else { throw failure }
        context.drop(failure.kind == .serialization ? .deserialization : .processing, at: failure.node ?? topic, because: failure)
        guard case .deadLetter(let deadLetters) = policy else { return }
        let output = try context.collector.topic(deadLetters)
        try output.append(
            partition: output.partition(of: record.key), key: record.key, value: record.value,
            timestamp: max(record.timestamp, 0), headers: headers(of: record, failure, topic))
    }

    private func headers(of record: RawRecord, _ failure: MillraceError, _ topic: String) throws -> Headers {
        var headers = try record.headers.decoded()
        headers.append(Header("__streams.errors.exception", text: "\(failure.kind)"))
        headers.append(Header("__streams.errors.message", text: "\(failure)"))
        headers.append(Header("__streams.errors.topic", text: topic))
        headers.append(Header("__streams.errors.partition", text: "\(context.id.partition)"))
        headers.append(Header("__streams.errors.offset", text: "\(record.offset)"))
        return headers
    }
}
