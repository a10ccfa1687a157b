import MillraceCore

/// Which clock a punctuation follows. Kafka: `PunctuationType`.
public enum PunctuationTime: Sendable {
    /// The highest timestamp seen: fires only as records arrive.
    case stream
    /// The time of day: fires also when nothing arrives.
    case wallClock
}

/// A call at regular times, until it is cancelled, or at one time. Kafka: `Cancellable` of a `Punctuator`.
public final class Punctuation {
    let time: PunctuationTime
    /// `nil`: one call only.
    let interval: Int64?
    let node: String
    var next: Int64
    let body: (Timestamp) throws -> Void
    private(set) var isCancelled = false

    init(_ time: PunctuationTime, interval: Int64?, next: Int64, node: String, _ body: @escaping (Timestamp) throws -> Void) {
        self.time = time
        self.interval = interval
        self.next = next
        self.node = node
        self.body = body
    }

    /// No further calls.
    public func cancel() {
        isCancelled = true
    }

    /// Calls once, and finds the next time; after a jump over several due times there is still one call.
    func fire(at now: Timestamp) throws {
        if interval == nil { cancel() } else { pass(now) }
        try body(now)
    }

    /// Finds the first time behind `now`, which is not before the next one. Behind the end of time there is none. A single call is not passed: who asked for it keeps what is due.
    func pass(_ now: Timestamp) {
        guard let interval else { return }
        let last = now.milliseconds - (now.milliseconds - next) % interval
        let (time, overflow) = last.addingReportingOverflow(interval)
        next = time
        if overflow { cancel() }
    }
}
