import MillraceCore

extension KStream where Key: Sendable, Value: Sendable {
    /// Each record with another value, which an asynchronous closure makes: a request to a service, a query of a database.
    ///
    ///     payments.mapValuesAsync(inFlight: 32, timeout: .seconds(2), retry: .exponential(attempts: 3, from: .milliseconds(100))) { payment in
    ///         Scored(payment, risk: try await riskService.score(payment))
    ///     }
    ///
    /// The closure runs on Swift's threads, for several records at once, but for one record of a key at a time and in their order (records without a key have none). The results go
    /// on, with the times and headers of their records, in the order of the input: what follows gets what `mapValues` would have given. Records of *other* topics that the same
    /// task reads go on meanwhile, so a join behind may meet them first.
    ///
    /// A call that throws, or takes too long and is cancelled, is made again as `retry` says. What the last failure means is up to `FailurePolicies.processing`: the app stops, or the
    /// record is left out, or goes to a dead-letter topic. A closure must heed cancellation, or it goes on in the background.
    ///
    /// Offsets and state are committed only behind finished calls, so that exactly-once holds for the results. The closure itself may be called again for a record whose result was
    /// not committed before a crash: what it does elsewhere should bear repetition. Commits wait for the calls at work, and take no new records meanwhile; where calls are slow
    /// they come less often, see `docs/decisions/0011-commits-wait-for-calls.md`. A graceful shutdown waits for them, too; cancellation does not.
    ///
    /// Kafka Streams has nothing like it (KIP-408); Flink: `AsyncDataStream.orderedWait`.
    ///
    /// - Parameters:
    ///   - inFlight: How many records of a task may wait for their results; when it is reached, the task reads no more. At least 1.
    ///   - order: Whether results may overtake each other across keys.
    ///   - timeout: How long an attempt may take; `nil` for as long as it wants, which may stop the app from ever committing.
    ///   - retry: Whether a call that failed is made again.
    ///   - key: How keys are told apart; the stream's serde, else the type's own, when left out.
    public func mapValuesAsync<NewValue: Sendable>(
        inFlight: Int = 64, order: AsyncOrder = .input, timeout: Duration? = .seconds(30), retry: RetryPolicy = .never,
        named: String? = nil, key: Serde<Key>? = nil, _ transform: @escaping @Sendable (Value) async throws -> NewValue
    ) -> KStream<Key, NewValue> {
        mappedAsync(
            "KSTREAM-MAPVALUESASYNC-", inFlight, order, timeout, retry, named: named, key: key, newKey: keySerde, changesKey: false
        ) { record in record.with(value: try await transform(record.value)) }
    }

    /// Each record with another value, which an asynchronous closure makes of the key and the value, see the form without the key.
    ///
    ///     clicks.mapValuesAsync { user, page in try await titles.title(of: page, for: user) }
    public func mapValuesAsync<NewValue: Sendable>(
        inFlight: Int = 64, order: AsyncOrder = .input, timeout: Duration? = .seconds(30), retry: RetryPolicy = .never,
        named: String? = nil, key: Serde<Key>? = nil, _ transform: @escaping @Sendable (Key, Value) async throws -> NewValue
    ) -> KStream<Key, NewValue> {
        mappedAsync(
            "KSTREAM-MAPVALUESASYNC-", inFlight, order, timeout, retry, named: named, key: key, newKey: keySerde, changesKey: false
        ) { record in record.with(value: try await transform(record.key, record.value)) }
    }

    /// Each record with another key and value, which an asynchronous closure makes.
    ///
    ///     orders.mapAsync { _, order in (try await warehouses.nearest(to: order.address), order) }
    ///
    /// Order is that of the records' keys before the call. The key may change, so a grouping, join or table that follows goes through a repartition topic. Otherwise as
    /// `mapValuesAsync`, which is to be preferred where the key stays.
    public func mapAsync<NewKey: Sendable, NewValue: Sendable>(
        inFlight: Int = 64, order: AsyncOrder = .input, timeout: Duration? = .seconds(30), retry: RetryPolicy = .never,
        named: String? = nil, key: Serde<Key>? = nil, _ transform: @escaping @Sendable (Key, Value) async throws -> (NewKey, NewValue)
    ) -> KStream<NewKey, NewValue> {
        mappedAsync("KSTREAM-MAPASYNC-", inFlight, order, timeout, retry, named: named, key: key, newKey: nil, changesKey: true) { record in
            let (key, value) = try await transform(record.key, record.value)
            return Record(key: key, value: value, timestamp: record.timestamp, headers: record.headers)
        }
    }

    private func mappedAsync<NewKey: Sendable, NewValue: Sendable>(
        _ prefix: String, _ limit: Int, _ order: AsyncOrder, _ timeout: Duration?, _ retry: RetryPolicy, named: String?, key: Serde<Key>?,
        newKey: Serde<NewKey>?, changesKey: Bool,
        _ transform: @escaping @Sendable (Record<Key, Value>) async throws -> Record<NewKey, NewValue>
    ) -> KStream<NewKey, NewValue> {
        let keySerde = builder.serde(key ?? self.keySerde, for: "the keys of asynchronous calls, which tell what must stay in order")
        if limit < 1 || timeout.map({ $0.milliseconds < 1 }) ?? false || retry.attempts < 0 {
            builder.fail(
                "An asynchronous map has \(limit) records in flight, a timeout of \(timeout.map { "\($0)" } ?? "none") and \(retry.attempts) further attempts. It needs at least one record, a timeout of at least a millisecond, and no negative number of attempts.",
                kind: .configuration, node: named)
        }
        let calling = AsyncCalling(limit: max(1, limit), order: order, timeout: timeout?.milliseconds, retry: retry)
        return following(prefix, named: named, key: newKey, value: nil, changesKey: changesKey, changesValue: true) { assembly in
            let node = try AsyncMapNode(calling, key: keySerde, assembly, transform)
            return NodeInput { (record: Record<Key, Value>) in try node.receive(record) }
        }
    }
}
