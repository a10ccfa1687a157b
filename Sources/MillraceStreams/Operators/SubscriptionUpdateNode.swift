import MillraceCore

/// Answers all subscriptions to a row of the right table of a foreign-key join when the row changes.
///
/// Kafka: `ForeignTableJoinProcessorSupplier`.
@usableFromInline
final class SubscriptionUpdateNode<Key, ForeignKey, Other> {
    @usableFromInline let store: SubscriptionStore<ForeignKey, Key>
    @usableFromInline let ignoresThePast: Bool
    @usableFromInline let output: Output<Key, ForeignKeyAnswer<Other>>
    @usableFromInline let site: NodeSite

    @inlinable
    init(store: String, _ assembly: NodeAssembly) throws {
        self.store = try assembly.task.store(store)
        ignoresThePast = !assembly.versionedInputs.isEmpty
        output = try assembly.output(Key.self, ForeignKeyAnswer<Other>.self)
        site = assembly.site
    }

    @inlinable
    func receive(_ record: Record<ForeignKey, Change<Other>>) throws {
        if ignoresThePast, !record.value.isLatest { return site.drop(.outOfOrder) }
        try store.forEachSubscription(to: record.key) { subscription in
            let answer = ForeignKeyAnswer(
                hash: subscription.hash, value: record.value.new, primaryPartition: subscription.primaryPartition)
            try output.send(
                Record(key: subscription.primaryKey, value: answer, timestamp: record.timestamp, headers: record.headers))
        }
    }
}
