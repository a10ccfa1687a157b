import MillraceCore

/// A question to one store of one task, to be answered on the thread of the worker that owns it.
struct StoreQuery: Sendable {
    /// The task; of subtopology -1 for global stores, which every worker has.
    let task: TaskID
    let store: String
    /// Called once: with the store, right after a commit, or with the error for which it cannot be asked.
    let answer: @Sendable (Result<any StateStore, any Error>, QueryDesk?) -> Void
}

extension TaskID {
    /// Stands for the global stores.
    static var global: TaskID { TaskID(subtopology: -1, partition: 0) }
}

extension StateStore {
    /// The store as one of a type that it was checked to have when the reader was made.
    func typed<Store: StateStore>(_ type: Store.Type = Store.self) throws -> Store {
        guard let typed = self as? Store else {
            throw MillraceError(.store, "Store \(name) is a \(Swift.type(of: self)), not a \(Store.self).")
        }
        return typed
    }
}
