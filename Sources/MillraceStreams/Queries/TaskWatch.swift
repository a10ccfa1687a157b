import MillraceCore

/// Follows the changes of one task's store for one consumer. Lives on the worker's thread.
///
/// A consumer that wants the rows there are, too, gets them page by page, in between the changes. Changes of rows that no page has come to yet are left out: the page will show
/// their outcome. So each row is met once as it was at some commit, and then with every change since, and memory is bounded whatever the size of the store.
final class TaskWatch<Key: Sendable, Value: Sendable>: StoreWatch {
    let task: TaskID
    private let feed: ChangeFeed<Key, Value>
    private var changes: [(position: [UInt8], change: StoreChange<Key, Value>)] = []
    private var snapshot: Snapshot
    private var detach: () -> Void = {}

    /// How far the rows that were there at the beginning have been read.
    private enum Snapshot {
        case notBegun
        case upTo([UInt8])
        case complete
    }

    init(_ task: TaskID, _ feed: ChangeFeed<Key, Value>, withSnapshot: Bool) {
        self.task = task
        self.feed = feed
        snapshot = withSnapshot ? .notBegun : .complete
    }

    var follower: AnyObject { feed }

    /// - Parameter detach: Makes the store call `take` no more.
    func attached(_ detach: @escaping () -> Void) {
        self.detach = detach
    }

    /// Takes a change that is being committed.
    func take(_ position: [UInt8], _ old: Value?, _ new: Row<Value>, key: () throws -> Key) {
        switch snapshot {
        case .notBegun: return
        case .upTo(let last) where last.lexicographicallyPrecedes(position): return
        default: break
        }
        do {
            changes.append((position, StoreChange(key: try key(), old: old, new: new.value, timestamp: new.timestamp)))
        } catch {
            feed.fail(
                MillraceError(.serialization, "A key of a store whose changes are followed cannot be read.", cause: error, task: task))
        }
    }

    /// Takes rows that are there, which were read after everything was published.
    func take(_ page: StorePage<StoredRow<Key, Value>>) {
        feed.add(
            page.rows.map { position, row in
                (position, StoreChange(key: row.key, old: nil, new: row.value, timestamp: row.timestamp))
            }, of: task)
        snapshot = page.last.map { .upTo($0) } ?? .complete
    }

    func publish() -> Bool {
        guard !feed.isClosed else {
            detach()
            return false
        }
        guard !changes.isEmpty else { return true }
        feed.add(changes, of: task)
        changes.removeAll(keepingCapacity: changes.count < 4096)
        return true
    }

    func end(because error: MillraceError?) {
        detach()
        feed.end(because: error)
    }
}
