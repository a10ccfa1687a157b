import MillraceCore
import MillracePlan

/// An operator of your own. One is made for each task, with a context to send records with and to reach stores and timers; it is only ever called by the task's thread.
///
///     final class Deduplicate: Processor {
///         let context: ProcessorContext<String, Event>
///         let seen: KeyValueStore<String, Int64>
///
///         init(_ context: ProcessorContext<String, Event>) throws {
///             self.context = context
///             seen = try context.store("seen")
///         }
///
///         func process(_ record: Record<String, Event>) throws {
///             if try seen.putIfAbsent(record.value.id, record.timestamp.milliseconds) == nil { try context.forward(record) }
///         }
///     }
///
/// Kafka: `Processor`.
public protocol Processor<Key, Value>: AnyObject {
    /// The keys of the records that come in.
    associatedtype Key
    /// The values of the records that come in.
    associatedtype Value

    /// Called for each record, in the order of its partition. What is thrown is a processing error, see `FailurePolicy`.
    func process(_ record: Record<Key, Value>) throws
}

/// An operator of your own that cannot change keys. Kafka: `FixedKeyProcessor`.
public protocol FixedKeyProcessor<Key, Value>: AnyObject {
    /// The keys of the records that come in and go out.
    associatedtype Key
    /// The values of the records that come in.
    associatedtype Value

    /// Called for each record, in the order of its partition. What is thrown is a processing error, see `FailurePolicy`.
    func process(_ record: FixedKeyRecord<Key, Value>) throws
}

/// A record whose value, time and headers may be replaced, but not its key. Kafka: `FixedKeyRecord`.
public struct FixedKeyRecord<Key, Value> {
    /// The key, which stays.
    public let key: Key
    /// What the record says.
    public var value: Value
    /// When it happened.
    public var timestamp: Timestamp
    /// What else travels with the record.
    public var headers: Headers

    @inlinable
    init(_ record: Record<Key, Value>) {
        self.init(key: record.key, value: record.value, timestamp: record.timestamp, headers: record.headers)
    }

    @inlinable
    init(key: Key, value: Value, timestamp: Timestamp, headers: Headers) {
        self.key = key
        self.value = value
        self.timestamp = timestamp
        self.headers = headers
    }

    /// The same record with another value.
    @inlinable
    public func with<NewValue>(value: NewValue) -> FixedKeyRecord<Key, NewValue> {
        FixedKeyRecord<Key, NewValue>(key: key, value: value, timestamp: timestamp, headers: headers)
    }
}

/// What a processor sends records, reaches stores and sets timers with. Kafka: `ProcessorContext`.
public final class ProcessorContext<Key, Value> {
    @usableFromInline let output: Output<Key, Value>
    private let outputs: [String: Output<Key, Value>]
    @usableFromInline let site: NodeSite
    @inlinable var task: TaskContext { site.task }

    @inlinable
    convenience init(_ assembly: NodeAssembly) throws {
        try self.init(assembly, assembly.output())
    }

    @usableFromInline
    init(_ assembly: NodeAssembly, _ output: Output<Key, Value>) throws {
        self.output = output
        outputs = try Dictionary(
            uniqueKeysWithValues: assembly.children.map { ($0.name, try assembly.output(toChild: $0.name) as Output<Key, Value>) })
        site = assembly.site
    }

    /// The context of something that may not send records.
    @usableFromInline
    init(withoutOutputs site: NodeSite) where Key == Never, Value == Never {
        output = Output { _ in }
        outputs = [:]
        self.site = site
    }

    /// Sends a record to all operators behind this one.
    @inlinable
    public func forward(_ record: Record<Key, Value>) throws {
        try output.send(record)
    }

    /// Sends a record to one operator behind this one, by its name.
    ///
    /// - Throws: `MillraceError` of kind `processing` when there is no such operator directly behind.
    public func forward(_ record: Record<Key, Value>, to child: String) throws {
        guard let output = outputs[child] else {
            throw MillraceError(
                .processing,
                "\(site.name) forwards to \"\(child)\", which is not behind it. Behind it: \(outputs.keys.sorted().joined(separator: ", ")).",
                node: site.name, task: task.id)
        }
        try output.send(record)
    }

    /// A store that was brought along or connected, by its name. Ask once, when the processor is made.
    ///
    /// - Throws: `MillraceError` of kind `topology` when it is not connected or holds other types.
    public func store<StoreKey, StoreValue>(
        _ name: String, key: StoreKey.Type = StoreKey.self, value: StoreValue.Type = StoreValue.self
    ) throws -> KeyValueStore<StoreKey, StoreValue> {
        try task.store(name)
    }

    /// A store of any kind.
    public func store<Store: StateStore>(_ name: String, as type: Store.Type) throws -> Store {
        try task.store(name)
    }

    /// Calls `body` at regular times, until it is cancelled.
    ///
    ///     try context.schedule(every: .seconds(60), by: .stream) { [seen] now in
    ///         try seen.forEach { id, time in
    ///             if time < now.milliseconds - 3_600_000 { try seen.delete(id) }
    ///             return true
    ///         }
    ///     }
    ///
    /// By stream time, the first call comes with the first record at or behind the next multiple of the interval (at once if none came before); by the time of day, one
    /// interval from now. A call by stream time comes after the record that moved time was processed. After a jump over several due times there is one call.
    ///
    /// - Parameter body: Gets the stream time or the time of day. Kafka: `Punctuator`.
    @discardableResult
    public func schedule(every interval: Duration, by time: PunctuationTime, _ body: @escaping (Timestamp) throws -> Void) throws
        -> Punctuation
    {
        let milliseconds = interval.milliseconds
        guard milliseconds >= 1 else {
            throw MillraceError(
                .configuration, "A punctuation needs an interval of at least a millisecond, not \(interval).", node: site.name)
        }
        let site = self.site
        let punctuation = Punctuation(
            time, interval: milliseconds, next: time == .stream ? 0 : task.now.milliseconds.addingClamped(milliseconds), node: site.name
        ) { now in
            do { try body(now) } catch { throw site.failure(error) }
        }
        task.schedule(punctuation)
        return punctuation
    }

    func makeTimers<TimerKey>(
        _ name: String, by clock: PunctuationTime, _ body: @escaping (KeyTimer<TimerKey>) throws -> Void
    ) throws -> Timers<TimerKey> {
        Timers(try task.store(name), by: clock, site, body)
    }

    /// Asks for a commit as soon as the record at hand is processed.
    public func requestCommit() {
        task.commitIsRequested = true
    }

    /// The highest timestamp of the records that the task has processed, this one included.
    public var streamTime: Timestamp { task.streamTime }
    /// The time of day, as of the last time the worker looked.
    public var now: Timestamp { task.now }
    /// Where the record at hand was read; `nil` in a punctuation.
    public var recordMetadata: RecordMetadata? { task.recordMetadata }
    /// The task that the processor was made for.
    public var taskID: TaskID { task.id }
    /// The id of the app.
    public var applicationID: String { task.applicationID }

    @inlinable
    func input<InputKey, InputValue>(of processor: any Processor<InputKey, InputValue>) -> NodeInput {
        input { (record: Record<InputKey, InputValue>) in try processor.process(record) }
    }

    @inlinable
    func input<InputKey, InputValue>(_ process: @escaping (Record<InputKey, InputValue>) throws -> Void) -> NodeInput {
        let site = self.site
        return NodeInput { (record: Record<InputKey, InputValue>) in
            try site.task.handling(record.timestamp, record.headers) {
                do { try process(record) } catch { throw site.failure(error) }
            }
        }
    }
}

/// What a processor that cannot change keys works with. Kafka: `FixedKeyProcessorContext`.
public final class FixedKeyProcessorContext<Key, Value> {
    /// Stores, timers and times.
    public let processor: ProcessorContext<Key, Value>

    @inlinable
    init(_ processor: ProcessorContext<Key, Value>) {
        self.processor = processor
    }

    /// Sends a record to all operators behind this one.
    @inlinable
    public func forward(_ record: FixedKeyRecord<Key, Value>) throws {
        try processor.forward(Record(key: record.key, value: record.value, timestamp: record.timestamp, headers: record.headers))
    }

    /// A store that was brought along or connected, by its name.
    public func store<StoreKey, StoreValue>(
        _ name: String, key: StoreKey.Type = StoreKey.self, value: StoreValue.Type = StoreValue.self
    ) throws -> KeyValueStore<StoreKey, StoreValue> {
        try processor.store(name)
    }

    @inlinable
    func input<InputValue>(of fixed: any FixedKeyProcessor<Key, InputValue>) -> NodeInput {
        processor.input { (record: Record<Key, InputValue>) in try fixed.process(FixedKeyRecord(record)) }
    }
}
