import MillraceCore
import MillracePlan

extension StreamsBuilder {
    /// The declaration of a table's store, with or without history.
    @inlinable
    func tableStore<Key, Value>(_ store: Materialized, name: String, key: Serde<Key>, value: Serde<Value>) -> StoreDeclaration {
        let name = checkedName(store, name)
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
    func isPersistent(_ store: Materialized) -> Bool {
        switch store.kind == .automatic ? defaultStore : store.kind {
        case .inMemory: false
        case .automatic, .persistent, .versioned: true
        }
    }
}
