import MillraceCore
import Synchronization

/// A change of a row of a store, as it was committed.
public struct StoreChange<Key, Value> {
    /// The key.
    public var key: Key
    /// The value before; `nil` when there was none.
    public var old: Value?
    /// The value now; `nil` when the row was removed.
    public var new: Value?
    /// The time of the record that caused the change.
    public var timestamp: Timestamp

    /// A change of a row.
    public init(key: Key, old: Value?, new: Value?, timestamp: Timestamp) {
        self.key = key
        self.old = old
        self.new = new
        self.timestamp = timestamp
    }
}

extension StoreChange: Sendable where Key: Sendable, Value: Sendable {}
extension StoreChange: Equatable where Key: Equatable, Value: Equatable {}

/// The changes that a consumer has not taken yet: one for each key, so that whoever is slow misses steps but never the outcome, and at most so many.
final class ChangeFeed<Key: Sendable, Value: Sendable>: Sendable {
    typealias Change = StoreChange<Key, Value>

    /// Where a row is, over all partitions.
    struct Place: Hashable, Sendable {
        let partition: Partition
        let position: [UInt8]
    }

    private struct State {
        /// In order of their first change; `nil` where changes undid each other.
        var changes: ContiguousArray<(place: Place, change: Change)?> = []
        /// The first one not taken.
        var head = 0
        /// The index of the changes that wait, counted from the first change ever.
        var indices: [Place: Int] = [:]
        /// How many were dropped from the front of `changes`.
        var dropped = 0
        var openTasks: Int
        var failure: MillraceError?
        var isClosed = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state: Mutex<State>
    private let limit: Int

    init(limit: Int, tasks: Int) {
        self.limit = limit
        state = Mutex(State(openTasks: tasks))
    }

    /// Whether nobody wants changes any more.
    var isClosed: Bool { state.withLock { $0.isClosed || $0.failure != nil } }

    /// How many changes wait.
    var count: Int { state.withLock { $0.indices.count } }

    /// Takes changes of a task, in order.
    func add(_ changes: [(position: [UInt8], change: Change)], of task: TaskID) {
        wake { state in
            guard !state.isClosed, state.failure == nil else { return }
            for (position, change) in changes {
                let place = Place(partition: task.partition, position: position)
                if let index = state.indices[place].map({ $0 - state.dropped }), var waiting = state.changes[index] {
                    waiting.change.new = change.new
                    waiting.change.timestamp = change.timestamp
                    let isUndone = waiting.change.old == nil && change.new == nil
                    state.changes[index] = isUndone ? nil : waiting
                    if isUndone { state.indices[place] = nil }
                } else {
                    state.indices[place] = state.changes.count + state.dropped
                    state.changes.append((place, change))
                }
            }
            guard state.indices.count > limit else { return }
            state.failure = MillraceError(
                .store,
                "More than \(limit) rows have changed that nobody has taken yet, so their changes are not followed any more. Take them sooner, raise bufferLimit, or follow anew with the rows that there are then.",
                isRetriable: true)
        }
    }

    /// Notes that a task's changes end here.
    func end(because error: MillraceError?) {
        wake { state in
            state.openTasks -= 1
            if let error, state.failure == nil { state.failure = error }
        }
    }

    func fail(_ error: MillraceError) {
        wake { state in if state.failure == nil { state.failure = error } }
    }

    /// Lets go of everything; nobody will take more.
    func close() {
        wake { state in
            state.isClosed = true
            (state.changes, state.indices, state.head) = ([], [:], 0)
        }
    }

    /// The next change, as soon as there is one; `nil` when the app has stopped or the Swift task was cancelled.
    func next() async throws -> Change? {
        while true {
            if let outcome = try state.withLock({ try take(&$0) }) { return outcome.change }
            await withTaskCancellationHandler {
                await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                    let goesOn = state.withLock { state in
                        if Task.isCancelled || isReady(state) || state.waiter != nil { return true }
                        state.waiter = continuation
                        return false
                    }
                    if goesOn { continuation.resume() }
                }
            } onCancel: {
                wake { _ in }
            }
            if Task.isCancelled { return nil }
        }
    }

    private struct Outcome {
        let change: Change?
    }

    private func isReady(_ state: State) -> Bool {
        !state.indices.isEmpty || state.failure != nil || state.openTasks == 0 || state.isClosed
    }

    /// - Returns: `nil` when there is nothing yet.
    private func take(_ state: inout State) throws -> Outcome? {
        // What was committed before the end is still handed out.
        while state.head < state.changes.count {
            defer { state.head += 1 }
            guard let (place, change) = state.changes[state.head] else { continue }
            state.indices[place] = nil
            return Outcome(change: change)
        }
        state.dropped += state.changes.count
        state.changes.removeAll(keepingCapacity: state.changes.capacity < 1 << 16)
        state.head = 0
        if let failure = state.failure { throw failure }
        return state.openTasks == 0 || state.isClosed ? Outcome(change: nil) : nil
    }

    private func wake(_ body: (inout State) -> Void) {
        let waiter = state.withLock { state in
            body(&state)
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }
}
