import MillraceCore
import MillraceFormats

/// A dead-letter topic that the record at hand is to go to once it is processed.
struct PendingLetter {
    let reason: DropReason
    let topic: String
    let error: MillraceError?
    let node: String
}

/// Carries out the failure policies of a task: leaves failed records out, counted, and sends them to a dead-letter topic where that is wished.
struct DeadLetters {
    let context: TaskContext

    /// - Throws: `error`, when the policy is to stop.
    func handle(_ error: any Error, for record: FailedRecord, from topic: String) throws {
        let failure = (error as? MillraceError) ?? MillraceError(.processing, "Processing failed.", cause: error)
        let policy = context.failures.policy(for: failure)
        guard policy != .stop else { throw failure }
        context.drop(reason(of: failure), at: failure.node ?? topic, because: failure)
        guard case .deadLetter(let deadLetters) = policy else { return }
        try send(record, to: deadLetters, from: topic, "\(failure.kind)", "\(failure)")
    }

    /// The same where no record is to blame: for a punctuation, and for what had been held back.
    func handleWithoutRecord(_ error: any Error) throws {
        let failure = (error as? MillraceError) ?? MillraceError(.processing, "A punctuation failed.", cause: error)
        guard context.failures.policy(for: failure) != .stop else { throw failure }
        context.drop(reason(of: failure), at: failure.node ?? "punctuation", because: failure)
    }

    /// Sends the record at hand to the topics that it was meant for while it was processed.
    func sendPending(for record: FailedRecord, from topic: String) throws {
        let letters = context.pendingLetters
        context.pendingLetters = []
        for letter in letters {
            let message = letter.error.map { "\($0)" } ?? "\(letter.node) left the record out: \(letter.reason.rawValue)."
            try send(record, to: letter.topic, from: topic, letter.error.map { "\($0.kind)" } ?? letter.reason.rawValue, message)
        }
    }

    private func reason(of failure: MillraceError) -> DropReason {
        switch failure.kind {
        case .serialization: .deserialization
        case .production: .production
        default: .processing
        }
    }

    private func send(_ record: FailedRecord, to deadLetters: String, from topic: String, _ exception: String, _ message: String) throws {
        guard let record = try record.kept() else { return }
        var headers = record.headers
        headers.append(Header("__streams.errors.exception", text: exception))
        headers.append(Header("__streams.errors.message", text: message))
        headers.append(Header("__streams.errors.topic", text: topic))
        headers.append(Header("__streams.errors.partition", text: "\(context.id.partition)"))
        headers.append(Header("__streams.errors.offset", text: "\(record.offset)"))
        let output = try context.collector.topic(deadLetters)
        do {
            try record.key.withBytes { key in
                try record.value.withBytes { value in
                    try output.append(
                        partition: output.partition(of: key), key: key, value: value, timestamp: max(record.timestamp, 0), headers: headers)
                }
            }
        } catch var failure as MillraceError {
            failure.message =
                "The dead letter of a record cannot be written, and the record is not given up without one: \(failure.message)"
            (failure.task, failure.record) = (context.id, context.recordMetadata)
            throw failure
        }
        context.meter.deadLettered[deadLetters, default: 0] += 1
    }
}

/// What a dead letter is made of.
enum FailedRecord {
    /// The bytes of a batch, valid while it is being read.
    case raw(RawRecord)
    /// A copy, for what fails later.
    case kept(KeptRecord)
    /// No record is to blame, or nobody asks for dead letters.
    case none

    func kept() throws -> KeptRecord? {
        switch self {
        case .raw(let record):
            KeptRecord(
                key: record.key.map { Array($0) }, value: record.value.map { Array($0) }, timestamp: record.timestamp,
                offset: record.offset, headers: try record.headers.decoded())
        case .kept(let record): record
        case .none: nil
        }
    }
}

/// A copy of an input record as it was read.
@usableFromInline
struct KeptRecord {
    let key: [UInt8]?
    let value: [UInt8]?
    let timestamp: Timestamp
    let offset: Offset
    let headers: Headers
}

extension [UInt8]? {
    fileprivate func withBytes(_ body: (UnsafeRawBufferPointer?) throws -> Void) rethrows {
        guard let self else { return try body(nil) }
        try self.withUnsafeBytes { try body($0) }
    }
}

extension TaskContext {
    /// A copy of the record at hand, if a dead letter may be made of it later.
    func keepInput() throws -> KeptRecord? {
        failures.deadLetterTopics.isEmpty ? nil : try input.kept()
    }

    /// Runs `body` as if the record of this origin was being processed: what fails is a matter of the failure policies, and goes with that record.
    @usableFromInline
    func resuming(_ origin: RecordOrigin, _ kept: KeptRecord?, _ body: () throws -> Void) throws {
        let (outerTopic, outerOffset, outerInput, outerLetters) = (sourceTopic, sourceOffset, input, pendingLetters)
        (sourceTopic, sourceOffset) = (origin.topic, Offset(origin.offset))
        input = kept.map { .kept($0) } ?? .none
        pendingLetters = []
        defer { (sourceTopic, sourceOffset, input, pendingLetters) = (outerTopic, outerOffset, outerInput, outerLetters) }
        let letters = DeadLetters(context: self)
        do {
            try handling(Timestamp(milliseconds: origin.timestamp), origin.headers, body)
        } catch {
            if let topic = origin.topic {
                try letters.handle(error, for: input, from: topic)
            } else {
                try letters.handleWithoutRecord(error)
            }
        }
        if !pendingLetters.isEmpty { try letters.sendPending(for: input, from: origin.topic ?? "") }
    }
}

extension TaskContext {
    /// Runs `body`, which sends on what is due or had been held back, for itself: what fails there is a matter of the failure policies, and touches neither the record at hand nor
    /// what else is due. That record is not to blame, so there is no dead letter.
    @usableFromInline
    func releasing(_ body: () throws -> Void) throws {
        let letters = pendingLetters.count
        do { try body() } catch { try DeadLetters(context: self).handleWithoutRecord(error) }
        if pendingLetters.count > letters { pendingLetters.removeSubrange(letters...) }
    }

    /// Carries out the policy for a record that could not be written: the other records made from the same input go on.
    ///
    /// - Throws: `error`, when the policy is to stop, or the error is of another kind.
    @usableFromInline
    func handleProduction(_ error: any Error, at node: String) throws {
        guard let failure = error as? MillraceError, failure.kind == .production else { throw error }
        switch failures.production {
        case .stop:
            var known = failure
            if known.node == nil { (known.node, known.task, known.record) = (node, id, recordMetadata) }
            throw known
        case .skip: drop(.production, at: node, because: failure)
        case .deadLetter(let topic):
            drop(.production, at: node, because: failure)
            pendingLetters.append(PendingLetter(reason: .production, topic: topic, error: failure, node: node))
        }
    }
}
