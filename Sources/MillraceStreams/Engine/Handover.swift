import Synchronization

/// Hands something to a thread in such a way that the thread is the only one to keep it, for as long as it needs it: what a thread's closure captures lives until the system has
/// ended the thread, which is later than anybody waits for.
final class Handover<Value: Sendable>: Sendable {
    private let value: Mutex<Value?>

    init(_ value: Value) {
        self.value = Mutex(value)
    }

    /// Takes it out; `nil` for everyone but the first.
    func take() -> Value? {
        value.withLock { value in
            defer { value = nil }
            return value
        }
    }
}
