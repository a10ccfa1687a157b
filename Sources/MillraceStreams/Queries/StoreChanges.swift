import MillraceCore
import Synchronization

/// The changes of a store's rows from now on, as they are committed.
///
///     for try await change in try await counts.changes(startingWithRows: true) {
///         show(change.key, change.new)
///     }
///
/// There is one change for each row that a commit changed, not one for each record. A consumer that is slow is told of a row's changes in one, from the oldest value it does not
/// know to the newest: it misses steps, never the outcome. When more rows wait than the limit, iteration throws; the app is never held up.
///
/// Ends when the app stops. Throws an error that is retriable when a task moves away or the app fails and recovers. Partitions that come to this instance later are not followed.
/// Rows that a windowed store forgets with time are not told of. For one consumer: iterators share the changes.
public struct StoreChanges<Key: Sendable, Value: Sendable>: AsyncSequence, Sendable {
    public typealias Element = StoreChange<Key, Value>
    private let subscription: Subscription

    /// Makes the store of one task tell a watch of its changes.
    typealias Attach = @Sendable (any StateStore, TaskWatch<Key, Value>) throws -> Void

    init(
        _ place: StorePlace, bufferLimit: Int, startingWithRows: Bool, _ read: @escaping PageReader<StoredRow<Key, Value>>,
        attach: @escaping Attach
    ) async throws {
        guard bufferLimit > 0 else {
            throw MillraceError(.configuration, "A buffer of \(bufferLimit) changes holds none. Let bufferLimit be at least 1.")
        }
        let tasks = try place.tasks()
        // Room for a page of rows behind as many changes.
        let limit = startingWithRows ? Swift.max(bufferLimit, 512) : bufferLimit
        let subscription = Subscription(place, ChangeFeed(limit: limit, tasks: tasks.count), tasks, startingWithRows, read)
        self.subscription = subscription
        for task in tasks {
            let feed = subscription.feed
            try await place.queries.ask(place.name, of: task) { store, desk in
                let watch = TaskWatch(task, feed, withSnapshot: startingWithRows)
                try attach(store, watch)
                desk.add(watch)
            }
        }
    }

    public func makeAsyncIterator() -> Iterator {
        Iterator(subscription: subscription)
    }

    /// Hands out the changes of a `StoreChanges`.
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let subscription: Subscription

        public mutating func next() async throws -> StoreChange<Key, Value>? {
            try await subscription.next()
        }
    }

    /// Lives as long as somebody may iterate.
    fileprivate final class Subscription: Sendable {
        let place: StorePlace
        let feed: ChangeFeed<Key, Value>
        private let read: PageReader<StoredRow<Key, Value>>
        /// The tasks whose rows are not all read yet, and where to go on.
        private let unread: Mutex<[(task: TaskID, request: PageRequest)]>
        private let pageSize: Int

        init(
            _ place: StorePlace, _ feed: ChangeFeed<Key, Value>, _ tasks: [TaskID], _ startingWithRows: Bool,
            _ read: @escaping PageReader<StoredRow<Key, Value>>
        ) {
            self.place = place
            self.feed = feed
            self.read = read
            pageSize = 256
            let request = PageRequest(limit: pageSize, visits: pageSize * 16)
            unread = Mutex(startingWithRows ? tasks.map { ($0, request) } : [])
        }

        deinit { feed.close() }

        func next() async throws -> StoreChange<Key, Value>? {
            // Pages are read before the buffer is empty, so that a store that changes all the time is read to its end, too.
            while feed.count < pageSize, let part = unread.withLock({ $0.first }) { try await readPage(part.task, part.request) }
            return try await feed.next()
        }

        private func readPage(_ task: TaskID, _ request: PageRequest) async throws {
            let (read, feed) = (read, feed)
            let next = try await place.queries.ask(place.name, of: task) { store, desk -> PageRequest? in
                guard let watch = desk.watch(of: feed, task) as? TaskWatch<Key, Value> else { return nil }
                let page = try read(store, request)
                watch.take(page)
                return page.last.map { request.after($0) }
            }
            unread.withLock { unread in
                guard unread.first?.task == task else { return }
                if let next { unread[0].request = next } else { unread.removeFirst() }
            }
        }
    }
}

extension ReadOnlyKeyValueStore {
    /// The changes of the rows from now on.
    ///
    /// - Parameters:
    ///   - startingWithRows: Whether the rows that are there come first, each as a change from nothing, in small steps between which others may already change.
    ///   - bufferLimit: How many rows' changes may wait to be taken before iteration throws; at least 512 where it starts with rows.
    public func changes(startingWithRows: Bool = false, bufferLimit: Int = 10_000) async throws -> StoreChanges<Key, Value> {
        try await StoreChanges(place, bufferLimit: bufferLimit, startingWithRows: startingWithRows, Store.reader) { store, watch in
            let store: Store = try store.typed()
            let key = store.keySerde
            store.overlay.listen(watch) { [unowned watch] _, bytes, old, new in
                watch.take(Array(bytes), old, new) { try key.read(bytes) }
            }
            watch.attached { [unowned store, unowned watch] in store.overlay.stopListening(watch) }
        }
    }
}

extension ReadOnlyVersionedStore {
    /// The changes of the latest values from now on; see `ReadOnlyKeyValueStore.changes`.
    public func changes(startingWithRows: Bool = false, bufferLimit: Int = 10_000) async throws -> StoreChanges<Key, Value> {
        try await StoreChanges(place, bufferLimit: bufferLimit, startingWithRows: startingWithRows, Store.reader) { store, watch in
            let store: Store = try store.typed()
            let key = store.keySerde
            store.latest.listen(watch) { [unowned watch] _, bytes, old, new in
                watch.take(Array(bytes), old, new) { try key.read(bytes) }
            }
            watch.attached { [unowned store, unowned watch] in store.latest.stopListening(watch) }
        }
    }
}

extension ReadOnlyWindowStore {
    /// The changes of the windows from now on; see `ReadOnlyKeyValueStore.changes`.
    public func changes(
        startingWithRows: Bool = false, bufferLimit: Int = 10_000
    ) async throws -> StoreChanges<Windowed<Key>, Value> {
        let read = Store.reader(try TimedRange(.allTimes, nil, nil, key))
        return try await StoreChanges(place, bufferLimit: bufferLimit, startingWithRows: startingWithRows, read) { store, watch in
            let store: Store = try store.typed()
            store.rows.listen(watch) { [unowned watch, unowned store] segment, bytes, old, new in
                watch.take(store.rows.position(segment, bytes), old, new) { try store.windowed(bytes) }
            }
            watch.attached { [unowned store, unowned watch] in store.rows.stopListening(watch) }
        }
    }
}

extension ReadOnlySessionStore {
    /// The changes of the sessions from now on; see `ReadOnlyKeyValueStore.changes`. A session that grows is one that goes and another that comes.
    public func changes(
        startingWithRows: Bool = false, bufferLimit: Int = 10_000
    ) async throws -> StoreChanges<Windowed<Key>, Value> {
        let read = Store.reader(try TimedRange(.allTimes, nil, nil, key))
        return try await StoreChanges(place, bufferLimit: bufferLimit, startingWithRows: startingWithRows, read) { store, watch in
            let store: Store = try store.typed()
            store.rows.listen(watch) { [unowned watch, unowned store] segment, bytes, old, new in
                watch.take(store.rows.position(segment, bytes), old, new) { try store.windowed(bytes) }
            }
            watch.attached { [unowned store, unowned watch] in store.rows.stopListening(watch) }
        }
    }
}
