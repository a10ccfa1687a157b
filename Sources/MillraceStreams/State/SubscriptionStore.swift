import MillraceCore
import MillracePlan

/// Which left rows point at which foreign key: the subscriptions of a foreign-key join, all of one foreign key side by side.
///
/// A row's key is the length of the foreign key, the foreign key and the left row's key. Kafka: the subscription store, `CombinedKeySchema`.
@usableFromInline
final class SubscriptionStore<ForeignKey, Key>: StateStore {
    @usableFromInline let name: String
    @usableFromInline let foreignKey: Serde<ForeignKey>
    @usableFromInline let primaryKey: Serde<Key>
    @usableFromInline let overlay: Overlay<Subscription<Key>>
    @usableFromInline let key = ByteBuffer()
    @usableFromInline let end = ByteBuffer()

    @inlinable
    init(name: String, foreignKey: Serde<ForeignKey>, primaryKey: Serde<Key>, backing: Backing?) {
        self.name = name
        self.foreignKey = foreignKey
        self.primaryKey = primaryKey
        overlay = Overlay(serde: SubscriptionFormat(primaryKey: primaryKey).serde, backing: backing)
    }

    /// Keeps a subscription or forgets it, as its instruction says.
    @inlinable
    func apply(_ subscription: Subscription<Key>, to foreign: ForeignKey, _ timestamp: Timestamp, _ headers: Headers) throws {
        try writePrefix(foreign)
        _ = try primaryKey.write(subscription.primaryKey, to: key)
        overlay.put(key.bytes, subscription.instruction.keepsSubscription ? subscription : nil, timestamp, headers: headers)
    }

    /// Calls `body` for all subscriptions to a foreign key, ordered by the bytes of the left rows' keys. It may not use the store.
    @inlinable
    func forEachSubscription(to foreign: ForeignKey, _ body: (Subscription<Key>) throws -> Void) throws {
        try writePrefix(foreign)
        writeEnd()
        try overlay.forEach(from: key.bytes, to: end.bytes) { _, row in
            if let subscription = row.value { try body(subscription) }
            return true
        }
    }

    /// Writes the first bytes behind all keys that begin with `key`'s.
    @usableFromInline
    func writeEnd() {
        let prefix = key.bytes
        // The length in front is never all ones, so there always is a key behind.
        var count = prefix.count
        while prefix[count - 1] == .max { count -= 1 }
        end.removeAll()
        end.append(UnsafeRawBufferPointer(rebasing: prefix[..<count]))
        end.mutableBytes[count - 1] += 1
    }

    @inlinable
    func writePrefix(_ foreign: ForeignKey) throws {
        key.removeAll()
        key.append(bigEndian: Int32(0))
        _ = try foreignKey.write(foreign, to: key)
        key.mutableBytes.storeBytes(of: Int32(key.count - 4).bigEndian, as: Int32.self)
    }

    @usableFromInline var byteCount: Int { overlay.byteCount }
    @usableFromInline var hasUncommittedRows: Bool { overlay.hasUncommittedRows }
    @usableFromInline var canSaveLater: Bool { true }
    @usableFromInline var unsavedBytes: Int { overlay.unsavedBytes }
    @usableFromInline var savesSorted: Bool { true }

    @usableFromInline
    func commit(to changelog: ChangelogSink, batch: (any ByteStoreBatch)?) throws {
        try overlay.commit(batch: batch, changelog)
    }

    @usableFromInline
    func save(to entries: any SortedEntries, _ batch: any ByteStoreBatch) throws {
        try overlay.save(to: entries)
    }

    @usableFromInline
    func restore(
        key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer?, timestamp: Timestamp, headers: Headers, batch: (any ByteStoreBatch)?
    ) throws {
        try overlay.restore(key, value, timestamp, batch: batch)
    }

    @usableFromInline
    func trim(to limit: Int) {
        overlay.trim(to: limit)
    }
}

extension StreamsBuilder {
    /// The declaration of the store of a foreign-key join's subscriptions, of the builder's default kind.
    @inlinable
    func subscriptionStore<ForeignKey, Key>(
        _ name: String, foreignKey: Serde<ForeignKey>, primaryKey: Serde<Key>
    ) -> StoreDeclaration {
        StoreDeclaration(
            name, changelogSettings: Materialized(name).changelogSettings(beside: ["cleanup.policy": "compact"]),
            payload: StorePayload(isPersistent: isPersistent(.automatic)) { site in
                SubscriptionStore(name: site.name, foreignKey: foreignKey, primaryKey: primaryKey, backing: site.backing)
            })
    }
}
