import MillraceCore
import MillracePlan

extension StreamsBuilder {
    /// The declaration of a table's store, with or without history.
    ///
    /// - Parameter mayBeMortal: Whether the table can tell others of rows whose time to live is over.
    @inlinable
    func tableStore<Key, Value>(
        _ store: Materialized, name: String, key: Serde<Key>, value: Serde<Value>, mayBeMortal: Bool = false
    ) -> StoreDeclaration {
        let name = checkedName(store, name)
        checkTimeToLive(store, name, isAllowed: mayBeMortal)
        guard case .versioned(let history) = store.kind else {
            return .keyValue(store, name: name, isPersistent: isPersistent(store), key: key, value: value)
        }
        return .versioned(store, name: name, history: history.milliseconds, key: key, value: value)
    }

    /// A store's own name, checked, or else the generated one.
    @usableFromInline
    func checkedName(_ store: Materialized, _ generated: String) -> String {
        guard let name = store.name else { return generated }
        check(name: name, of: "store")
        return name
    }

    @usableFromInline
    func checkTimeToLive(_ store: Materialized, _ name: String, isAllowed: Bool) {
        guard store.timeToLive != nil else { return }
        if store.isVersioned {
            fail(
                "Store \(name) keeps its history, which has a length of its own: it cannot have a time to live besides.",
                kind: .configuration)
        } else if !isAllowed {
            fail(
                "Store \(name) cannot have a time to live. Only tables that are read from a topic, made of a stream or aggregated can; give it to the one that this table comes from.",
                kind: .configuration)
        }
    }

    @usableFromInline
    func isPersistent(_ store: Materialized) -> Bool {
        switch store.kind == .automatic ? defaultStore : store.kind {
        case .inMemory: false
        case .automatic, .persistent, .versioned: true
        }
    }

    /// How long a store of windows or sessions keeps them, in milliseconds: as long as records may change them, or longer where that is asked for.
    ///
    /// - Parameters:
    ///   - what: What is kept, for the message, and `parts`: what the least retention is the sum of.
    @usableFromInline
    func checkedRetention(
        of store: Materialized, _ storeName: String, keeping what: String, atLeast least: Int64, because parts: String
    ) -> Int64 {
        let retention = store.retention?.milliseconds ?? least
        if retention < least {
            fail(
                "Store \(storeName) keeps \(what) for \(retention) ms, but records may change them for \(least) ms (\(parts)). Raise the retention.",
                kind: .configuration)
        }
        return retention
    }
}
