import CRdKafka
import MillraceCore

/// Where partitions begin and end, and where groups are.
extension KafkaTransport {
    /// How long an answer of `offsetRange` may be used again, unless this process commits in between.
    private static let rangeLifetime: UInt64 = 10_000_000

    /// The first offset that can be read, and the end of the partition with what is in transactions that are not decided yet.
    ///
    /// A commit returns before its markers have reached all partitions: an end at the last committed record would leave out, for a moment, what has just been committed, and
    /// state that is restored up to it would lack rows. Readers get there when the transactions are decided. The answer may be some milliseconds old.
    public func offsetRange(of partition: TopicPartition) throws -> Range<Offset> {
        let now = clock.monotonicNanoseconds()
        if let recent = recentRanges.withLock({ $0[partition] }), now &- recent.time < KafkaTransport.rangeLifetime { return recent.range }
        let range = try askForRange(of: partition)
        recentRanges.withLock { $0[partition] = RecentRange(range: range, time: now) }
        return range
    }

    private func askForRange(of partition: TopicPartition) throws -> Range<Offset> {
        let what = "Asking for the offsets of \(partition)"
        // Short, as whom librdkafka takes for the leader may be one no more; and while that one is down, its thread rests in the pauses only.
        let timeout = min(timeoutMilliseconds, 1000)
        var pause: UInt32 = 50
        let deadline = deadline
        while true {
            var (code, found) = admin.offsets(.first, of: [partition], timeoutMilliseconds: timeout)
            if code == RD_KAFKA_RESP_ERR_NO_ERROR, let low = found[partition] {
                (code, found) = admin.offsets(.last, of: [partition], timeoutMilliseconds: timeout)
                if code == RD_KAFKA_RESP_ERR_NO_ERROR, let high = found[partition] {
                    guard low >= 0, high >= low else { throw failure(RD_KAFKA_RESP_ERR__BAD_MSG, what) }
                    return Offset(low)..<Offset(high)
                }
            }
            guard KafkaFailure.isPassing(code), clock.monotonicNanoseconds() < deadline else { throw failure(code, what) }
            Pause.wait(milliseconds: pause)
            pause = min(pause * 2, 1000)
            // librdkafka remembers who led a partition for a quarter of an hour, and asks it again and again (until its version 2.3).
            admin.learnLeaders(of: partition.topic, timeoutMilliseconds: min(timeoutMilliseconds, 2000))
        }
    }

    /// To be called when this process has changed what topics hold.
    func forgetRanges() {
        recentRanges.withLock { $0.removeAll(keepingCapacity: true) }
    }

    public func committedOffsets(of group: String, for partitions: [TopicPartition]) throws -> [TopicPartition: CommittedOffset] {
        guard !partitions.isEmpty else { return [:] }
        let deadline = deadline
        while true {
            let undecided: MillraceError
            switch try cluster?.committedOffsets(of: group, for: partitions) {
            case .known(let offsets)?: return offsets
            case .undecided(let error)?: undecided = error
            case nil:
                // While a transaction that moves one of the offsets is not decided, they are not told.
                do { return try stableOffsets(of: group, for: partitions) } catch let error as MillraceError where error.isRetriable {
                    undecided = error
                }
            }
            guard clock.monotonicNanoseconds() < deadline else { throw undecided }
            Pause.wait(milliseconds: 5)
        }
    }

    /// By librdkafka, for where our own connection cannot be used: its version 2.0 may abort the process when a broker goes while it is asked.
    private func stableOffsets(of group: String, for partitions: [TopicPartition]) throws -> [TopicPartition: CommittedOffset] {
        let what = "Asking for the offsets of group \(group)"
        let list = PartitionList(partitions, offset: -1001)
        guard let asked = rd_kafka_ListConsumerGroupOffsets_new(group, list.pointer) else {
            throw failure(RD_KAFKA_RESP_ERR__BAD_MSG, what)
        }
        defer { rd_kafka_ListConsumerGroupOffsets_destroy(asked) }
        let answer = try admin.request(
            what, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, timeout: options.requestTimeout,
            configure: { _ = LibraryError(rd_kafka_AdminOptions_set_require_stable_offsets($0, 1)) },
            send: { [admin] options, queue in
                var groups: [OpaquePointer?] = [asked]
                rd_kafka_ListConsumerGroupOffsets(admin.handle, &groups, 1, options, queue)
            })
        var count = 0
        guard
            let groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
                rd_kafka_event_ListConsumerGroupOffsets_result(answer.event), &count), count == 1
        else { throw failure(RD_KAFKA_RESP_ERR__BAD_MSG, what) }
        if let error = rd_kafka_group_result_error(groups[0]) {
            throw failure(rd_kafka_error_code(error), what, detail: rd_kafka_error_string(error).map { String(cString: $0) })
        }
        var offsets: [TopicPartition: CommittedOffset] = [:]
        guard let found = rd_kafka_group_result_partitions(groups[0]) else { return offsets }
        for index in 0..<Int(found.pointee.cnt) {
            let element = found.pointee.elems[index]
            let partition = TopicPartition(String(cString: element.topic), element.partition)
            guard element.err == RD_KAFKA_RESP_ERR_NO_ERROR else { throw failure(element.err, "\(what) in \(partition)") }
            guard element.offset >= 0 else { continue }
            let metadata = UnsafeRawBufferPointer(start: element.metadata, count: element.metadata == nil ? 0 : element.metadata_size)
            offsets[partition] = CommittedOffset(Offset(element.offset), metadata: String(decoding: metadata, as: UTF8.self))
        }
        return offsets
    }

    public func deleteRecords(before offsets: [TopicPartition: Offset]) throws {
        guard !offsets.isEmpty else { return }
        let what = "Deleting records"
        let list = PartitionList(capacity: offsets.count)
        for (partition, offset) in offsets { list.add(partition, offset: offset.value) }
        guard let deletion = rd_kafka_DeleteRecords_new(list.pointer) else { throw failure(RD_KAFKA_RESP_ERR__BAD_MSG, what) }
        defer { rd_kafka_DeleteRecords_destroy(deletion) }
        let answer = try admin.request(
            what, RD_KAFKA_ADMIN_OP_DELETERECORDS, timeout: options.requestTimeout,
            send: { [admin] options, queue in
                var deletions: [OpaquePointer?] = [deletion]
                rd_kafka_DeleteRecords(admin.handle, &deletions, 1, options, queue)
            })
        forgetRanges()
        guard let results = rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(answer.event)) else {
            throw failure(RD_KAFKA_RESP_ERR__BAD_MSG, what)
        }
        for index in 0..<Int(results.pointee.cnt) {
            let element = results.pointee.elems[index]
            guard element.err == RD_KAFKA_RESP_ERR_NO_ERROR else {
                throw failure(element.err, "Deleting records of \(String(cString: element.topic))-\(element.partition)")
            }
        }
    }
}
