import CRdKafka
import MillraceCore

/// Commits as transactions of Kafka, one at a time. Opening one fences all older ones of the same name, and settles what they left open.
final class TransactionalOutlet: CommitOutlet {
    private let transport: KafkaTransport
    private let name: String
    private let group: String
    private var sender: RecordSender
    /// Why nothing can be committed any more: the outcome of a transaction is not known, or another session has taken over.
    private var end: MillraceError?

    init(_ transport: KafkaTransport, name: String, group: String) throws {
        self.transport = transport
        self.name = name
        self.group = group
        sender = try TransactionalOutlet.open(transport, name: name, group: group)
    }

    /// A producer that has taken the name over, and that no transaction of an older one is open any more for.
    private static func open(_ transport: KafkaTransport, name: String, group: String) throws -> RecordSender {
        // Permissions are given by the prefix: all of the app's begin with the application id.
        let id = name.hasPrefix(group) ? name : "\(group)-\(name)"
        let timeout = max(1000, transport.options.transactionTimeout.milliseconds)
        let sender = try RecordSender(transport, settings: [("transactional.id", id), ("transaction.timeout.ms", "\(timeout)")])
        let deadline = transport.deadline
        while let error = LibraryError(rd_kafka_init_transactions(sender.producer.handle, transport.timeoutMilliseconds)) {
            guard error.isRetriable, transport.clock.monotonicNanoseconds() < deadline else {
                throw KafkaFailure.error(
                    error.code, "Opening the session \(name)", detail: error.text, trouble: sender.producer.reports.lastTrouble)
            }
            Pause.wait(milliseconds: 20)
        }
        return sender
    }

    func commit(_ outputs: [OutputBatches], offsets: [TopicPartition: CommittedOffset], place: GroupPlace?) throws -> [Offset] {
        guard let place else { return try commit(outputs, offsets, member: nil) }
        let deadline = transport.deadline
        var member = try place.member()
        while true {
            do { return try commit(outputs, offsets, member: member) } catch let stale as StaleEpoch {
                member = try place.member(newerThan: stale.member, until: deadline, refusal: stale.refusal)
            }
        }
    }

    private func commit(
        _ outputs: [OutputBatches], _ offsets: [TopicPartition: CommittedOffset], member: GroupMember?
    ) throws -> [Offset] {
        if let end { throw end }
        try sender.check(outputs)
        let deadline =
            transport.clock.monotonicNanoseconds() &+ UInt64(max(1000, transport.options.transactionTimeout.milliseconds)) &* 1_000_000
        try attempt("Beginning a transaction", deadline) { rd_kafka_begin_transaction(sender.producer.handle) }
        do {
            try sender.send(outputs, until: deadline)
            if !offsets.isEmpty { try send(offsets, member, deadline) }
        } catch let stale as StaleEpoch {
            try abort(because: stale)
        } catch {
            // What follows a record that was given up fails only because of it.
            try abort(because: sender.undelivered() ?? error)
        }
        do {
            try attempt("Committing a transaction", deadline) { rd_kafka_commit_transaction(sender.producer.handle, 5000) }
        } catch {
            try abort(because: sender.undelivered() ?? error)
        }
        return sender.deliveries.firsts.map { Offset($0) }
    }

    private func send(_ offsets: [TopicPartition: CommittedOffset], _ member: GroupMember?, _ deadline: UInt64) throws {
        let list = PartitionList(capacity: offsets.count)
        for (partition, offset) in offsets { list.add(partition, offset: offset.offset.value, metadata: offset.metadata) }
        let metadata =
            member.map { rd_kafka_consumer_group_metadata_new_with_genid(group, $0.epoch, $0.id, $0.instanceID) }
            ?? rd_kafka_consumer_group_metadata_new(group)
        defer { rd_kafka_consumer_group_metadata_destroy(metadata) }
        try attempt("Sending offsets", deadline, as: member) {
            rd_kafka_send_offsets_to_transaction(sender.producer.handle, list.pointer, metadata, 5000)
        }
    }

    /// Calls until it goes through. What can be tried again is: librdkafka goes on where it was.
    ///
    /// - Parameter member: Who calls, where the broker looks at that.
    private func attempt(_ what: String, _ deadline: UInt64, as member: GroupMember? = nil, _ call: () -> OpaquePointer?) throws {
        while let error = LibraryError(call()) {
            if error.isRetriable, !error.isFatal, !error.requiresAbort {
                if transport.clock.monotonicNanoseconds() < deadline {
                    Pause.wait(milliseconds: 5)
                    continue
                }
                // A commit may have reached the broker. Whoever opens a session of this name finds out which: the offsets it then reads are those of the outcome.
                let failure = MillraceError(
                    .transport,
                    "\(what) in session \(name) took longer than the transaction timeout: \(error.text). Whether it was committed is not known until the session is opened again. \(sender.producer.reports.lastTrouble ?? "")",
                    isRetriable: true)
                end = failure
                throw failure
            }
            let isStale = KafkaFailure.isStaleEpoch(error.code)
            let failure = failure(error, "\(what) in session \(name)")
            if let member, isStale { throw StaleEpoch(member: member, refusal: failure) }
            throw failure
        }
    }

    /// Takes back what the open transaction has done, and throws `error`.
    private func abort(because error: any Error) throws -> Never {
        guard end == nil else {
            sender.discard()
            throw error
        }
        let deadline = transport.deadline
        while let problem = LibraryError(rd_kafka_abort_transaction(sender.producer.handle, 5000)) {
            if problem.isRetriable, !problem.isFatal, transport.clock.monotonicNanoseconds() < deadline {
                Pause.wait(milliseconds: 20)
                continue
            }
            if end == nil { end = failure(problem, "Giving up a transaction in session \(name)") }
            break
        }
        sender.discard()
        // A record that was not taken leaves a gap in the numbers by which the broker knows what comes twice (librdkafka 2.0), and it would refuse all that follows. The broker
        // has just accepted the abort, so the name is still this session's to take.
        if end == nil, sender.deliveries.failure != nil {
            do { sender = try TransactionalOutlet.open(transport, name: name, group: group) } catch let failure as MillraceError {
                end = failure
            }
        }
        throw error
    }

    private func failure(_ error: borrowing LibraryError, _ what: String) -> MillraceError {
        var code = error.code
        var text = error.text
        if error.isFatal {
            var message = [CChar](repeating: 0, count: 512)
            let fatal = rd_kafka_fatal_error(sender.producer.handle, &message, message.count)
            if fatal != RD_KAFKA_RESP_ERR_NO_ERROR { (code, text) = (fatal, ClientSettings.text(message)) }
        }
        var failure = KafkaFailure.error(code, what, detail: text, trouble: sender.producer.reports.lastTrouble)
        // Nothing is the matter with the transaction that a new session does not mend, unless the cluster does not allow it.
        if error.isFatal || error.requiresAbort, failure.kind == .transport { failure.isRetriable = true }
        if error.isFatal { end = failure }
        return failure
    }
}
