import MillraceCore

/// A timer that is due: what a processor is called with.
public struct KeyTimer<Key> {
    /// The key that it was set for.
    public let key: Key
    /// The name that it was set under.
    public let name: String
    /// The time that it was set to, which time has reached or passed.
    public let time: Timestamp
}

/// The timers of a processor: for each key and name at most one, kept in a store until it fires or is cancelled.
///
/// Got by `ProcessorContext.timers`; used by the processor's thread only.
public final class Timers<Key> {
    private let store: TimerStore<Key>
    private let clock: PunctuationTime
    private let site: NodeSite
    private let body: (KeyTimer<Key>) throws -> Void
    /// When the task will ask for due timers next.
    private var alarm: Punctuation?

    init(_ store: TimerStore<Key>, by clock: PunctuationTime, _ site: NodeSite, _ body: @escaping (KeyTimer<Key>) throws -> Void) {
        self.store = store
        self.clock = clock
        self.site = site
        self.body = body
        // What an earlier run left is not known before the store is restored: the first moment of time asks.
        setAlarm(at: 0)
    }

    /// Sets the timer of a key and name; one that is set already moves.
    ///
    /// - Parameters:
    ///   - time: When it fires; one in the past fires as soon as the record at hand is processed.
    ///   - name: Tells several timers of a key apart.
    /// - Returns: The time that it was set to before.
    @discardableResult
    public func set(_ key: Key, at time: Timestamp, name: String = "") throws -> Timestamp? {
        let old = try store.set(key, name, to: time.milliseconds)
        setAlarm(at: max(0, time.milliseconds))
        return old.map { Timestamp(milliseconds: $0) }
    }

    /// Takes the timer of a key and name away.
    ///
    /// - Returns: The time that it was set to; `nil` when there was none.
    @discardableResult
    public func cancel(_ key: Key, name: String = "") throws -> Timestamp? {
        try store.set(key, name, to: nil).map { Timestamp(milliseconds: $0) }
    }

    /// When the timer of a key and name will fire; `nil` when there is none.
    public func time(of key: Key, name: String = "") throws -> Timestamp? {
        try store.time(of: key, name).map { Timestamp(milliseconds: $0) }
    }

    /// Asks at this time, unless that will happen earlier anyway.
    private func setAlarm(at time: Int64) {
        if let alarm {
            guard time < alarm.next else { return }
            alarm.cancel()
        }
        let alarm = Punctuation(clock, interval: nil, next: time, node: site.name) { [self] now in try fire(now) }
        self.alarm = alarm
        site.task.schedule(alarm)
    }

    /// Fires what is due, and sees to it that the rest will, even if a call throws: its timer is gone then, as every timer that has fired.
    private func fire(_ now: Timestamp) throws {
        alarm = nil
        do {
            while let timer = try store.removeNext(dueAt: now.milliseconds) {
                try site.task.handling(timer.time, Headers()) {
                    do { try body(timer) } catch { throw site.failure(error) }
                }
            }
        } catch {
            if let next = try store.nextTime() { setAlarm(at: next) }
            throw error
        }
        if let next = try store.nextTime() { setAlarm(at: next) }
    }
}

extension ProcessorContext {
    /// The timers of a store that was brought along, and what is called when one is due. Ask once, when the processor is made.
    ///
    ///     final class Abandoned: Processor {
    ///         let context: ProcessorContext<String, String>
    ///         let timers: Timers<String>
    ///
    ///         init(_ context: ProcessorContext<String, String>) throws {
    ///             self.context = context
    ///             timers = try context.timers("carts", by: .stream) { timer in
    ///                 try context.forward(Record(key: timer.key, value: "abandoned", timestamp: timer.time))
    ///             }
    ///         }
    ///
    ///         func process(_ record: Record<String, String>) throws {
    ///             if record.value == "paid" {
    ///                 try timers.cancel(record.key)
    ///             } else {
    ///                 try timers.set(record.key, at: record.timestamp.advanced(byMilliseconds: 1_800_000))
    ///             }
    ///         }
    ///     }
    ///
    ///     carts.process(bringing: [.timers("carts", key: .string)]) { context in try Abandoned(context) }
    ///
    /// Timers survive restarts, and fire exactly once, with the outputs of the call. They fire in the order of their times (equal ones by the bytes of key and name), each by itself,
    /// however far time jumps. By stream time, that is after the record that moved time was processed, which may still cancel or move them; by the time of day, as soon as the
    /// worker sees that they are due. The order in which timers and records meet is the same in every run as far as stream time goes.
    ///
    /// What the call throws is a processing error, see `FailurePolicies`; when the policy is to go on, the timer has fired and is gone. Flink: timers of a `KeyedProcessFunction`, but
    /// one for each key and name instead of one for each key and time.
    ///
    /// - Parameters:
    ///   - name: The store's, see `StoreBuilder.timers`. Each processor needs one of its own, and so does each of both clocks.
    ///   - clock: What the times mean.
    /// - Throws: `MillraceError` of kind `topology` when the store is not connected, or its keys are of another type.
    public func timers<TimerKey>(
        _ name: String, by clock: PunctuationTime, _ body: @escaping (KeyTimer<TimerKey>) throws -> Void
    ) throws -> Timers<TimerKey> {
        try makeTimers(name, by: clock, body)
    }
}

extension FixedKeyProcessorContext {
    /// The timers of a store that was brought along, and what is called when one is due, see `ProcessorContext.timers`.
    ///
    ///     timers = try context.timers("carts", by: .stream) { timer in try context.forward("abandoned", for: timer) }
    public func timers(_ name: String, by clock: PunctuationTime, _ body: @escaping (KeyTimer<Key>) throws -> Void) throws -> Timers<Key> {
        try processor.makeTimers(name, by: clock, body)
    }

    /// Sends a record with the key and the time of a timer to all operators behind this one.
    public func forward(_ value: Value, for timer: KeyTimer<Key>) throws {
        try processor.forward(Record(key: timer.key, value: value, timestamp: timer.time))
    }
}
