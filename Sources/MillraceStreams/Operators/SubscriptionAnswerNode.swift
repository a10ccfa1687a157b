import MillraceCore

/// Answers each subscription of a foreign-key join as its instruction says.
///
/// Kafka: `SubscriptionJoinProcessorSupplier`.
@usableFromInline
final class SubscriptionAnswerNode<Key, ForeignKey, Other> {
    @usableFromInline let lookup: TableLookup<ForeignKey, Other>
    @usableFromInline let output: Output<Key, ForeignKeyAnswer<Other>>
    @usableFromInline let site: NodeSite

    /// - Parameter lookup: Finds rows of the right table.
    @inlinable
    init(_ lookup: TableLookup<ForeignKey, Other>, _ assembly: NodeAssembly) throws {
        self.lookup = lookup
        output = try assembly.output(Key.self, ForeignKeyAnswer<Other>.self)
        site = assembly.site
    }

    @inlinable
    func receive(_ record: Record<ForeignKey?, Subscription<Key>>) throws {
        let subscription = record.value
        let row = try site.unlessRefused { try record.key.flatMap { try lookup.find($0) } }
        let answer: Other?
        switch subscription.instruction {
        case .drop: return
        case .dropAndAnswer: answer = nil
        case .answerAlways: answer = row?.value
        case .answerIfFound:
            guard let found = row?.value else { return }
            answer = found
        }
        try output.send(
            Record(
                key: subscription.primaryKey,
                value: ForeignKeyAnswer(hash: subscription.hash, value: answer, primaryPartition: subscription.primaryPartition),
                timestamp: max(record.timestamp, row?.timestamp ?? .none), headers: record.headers))
    }
}
