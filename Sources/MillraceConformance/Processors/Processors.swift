import MillraceCore
import MillraceStreams

/// A processor that forwards records of the suite's types.
typealias RecordContext = ProcessorContext<Datum?, Datum?>

/// Makes the processor of this name.
///
/// - Parameter store: The store that it works with.
/// - Throws: `BadProgram` when there is no such processor.
func processor(
    _ specification: String, store: String?
) throws -> @Sendable (RecordContext) throws -> any Processor<Datum?, Datum?> {
    let function = FunctionName(specification)
    func stored(_ make: @escaping @Sendable (RecordContext, TextStore) throws -> any Processor<Datum?, Datum?>) throws
        -> @Sendable (RecordContext) throws -> any Processor<Datum?, Datum?>
    {
        guard let store else { throw BadProgram("processor \(specification) needs a store") }
        return { context in try make(context, context.store(store)) }
    }
    switch function.name {
    case "dedup": return try stored { Deduplicate($0, $1) }
    case "rollingMax": return try stored { RollingMaximum($0, $1) }
    case "emitOnStreamTime", "emitOnWallClock", "emitThrice":
        let interval = Duration.milliseconds(try function.number())
        let time: PunctuationTime = function.name == "emitOnWallClock" ? .wallClock : .stream
        let limit = function.name == "emitThrice" ? 3 : nil
        return try stored { try EmitRegularly($0, $1, every: interval, by: time, limit: limit) }
    case "ttl":
        let life = try function.number()
        return try stored { Expire($0, $1, after: life) }
    case "put": return try stored { _, store in Keep(store) }
    case "lookup": return try stored { Lookup($0, $1) }
    case "headerTag": return { TagHeaders($0) }
    case "meta": return { DescribeOrigin($0) }
    case "swapDelayed":
        let delay = try function.number()
        return { SwapDelayed($0, by: delay) }
    default: throw BadProgram("unknown processor \(specification)")
    }
}

/// `dedup`: passes a key and value once.
private final class Deduplicate: Processor {
    private let context: RecordContext
    private let seen: TextStore

    init(_ context: RecordContext, _ seen: TextStore) {
        self.context = context
        self.seen = seen
    }

    func process(_ record: Record<Datum?, Datum?>) throws {
        if try seen.putIfAbsent(record.id, "1") == nil { try context.forward(record) }
    }
}

/// `rollingMax`: the highest number of each key so far.
private final class RollingMaximum: Processor {
    private let context: RecordContext
    private let highest: TextStore

    init(_ context: RecordContext, _ highest: TextStore) {
        self.context = context
        self.highest = highest
    }

    func process(_ record: Record<Datum?, Datum?>) throws {
        guard let key = record.key?.text else { return }
        guard let value = record.value else {
            try highest.delete(key)
            return try context.forward(record)
        }
        let maximum = rollingMaximum(value, stored: try highest.get(key))
        try highest.put(key, maximum)
        try context.forward(record.with(value: .text(maximum)))
    }
}

/// `emitOnStreamTime`, `emitOnWallClock`, `emitThrice`: keeps the last value of each key and sends all of them now and then.
private final class EmitRegularly: Processor {
    private let store: TextStore
    private var punctuation: Punctuation?
    private var fired = 0

    init(_ context: RecordContext, _ store: TextStore, every interval: Duration, by time: PunctuationTime, limit: Int?) throws {
        self.store = store
        punctuation = try context.schedule(every: interval, by: time) { [unowned self] now in
            for (key, value) in try store.all() { try context.forward(Record(key: .text(key), value: .text(value), timestamp: now)) }
            fired += 1
            if fired == limit { punctuation?.cancel() }
        }
    }

    func process(_ record: Record<Datum?, Datum?>) throws {
        if let key = record.key { try store.put(key.text, record.value?.text) }
    }
}

/// `ttl`: forgets values some time after their record.
private final class Expire: Processor {
    private let context: RecordContext
    private let store: TextStore
    private let life: Int64

    init(_ context: RecordContext, _ store: TextStore, after life: Int64) {
        self.context = context
        self.store = store
        self.life = life
    }

    func process(_ record: Record<Datum?, Datum?>) throws {
        for (key, value) in try store.all() {
            let written = Int64(Text.before("|", value)) ?? 0
            guard written + life <= context.streamTime.milliseconds else { continue }
            try store.delete(key)
            try context.forward(record.with(key: Datum.text(key)).with(value: nil))
        }
        guard let key = record.key?.text else { return }
        try store.put(key, record.value.map { "\(record.timestamp)|\($0.text)" })
        try context.forward(record)
    }
}

/// `put`: keeps the last value of each key.
private final class Keep: Processor {
    private let store: TextStore

    init(_ store: TextStore) {
        self.store = store
    }

    func process(_ record: Record<Datum?, Datum?>) throws {
        if let key = record.key { try store.put(key.text, record.value?.text) }
    }
}

/// `lookup`: adds the stored value of the key.
private final class Lookup: Processor {
    private let context: RecordContext
    private let store: TextStore

    init(_ context: RecordContext, _ store: TextStore) {
        self.context = context
        self.store = store
    }

    func process(_ record: Record<Datum?, Datum?>) throws {
        let found = try record.key.flatMap { try store.get($0.text) }
        try context.forward(record.with(value: .text("\(record.value.shown)?\(found ?? "null")")))
    }
}

/// `headerTag`: shows headers in the value, and adds one.
private final class TagHeaders: Processor {
    private let context: RecordContext

    init(_ context: RecordContext) {
        self.context = context
    }

    func process(_ record: Record<Datum?, Datum?>) throws {
        let (value, headers) = tagged(record.value, record.headers)
        try context.forward(Record(key: record.key, value: value, timestamp: record.timestamp, headers: headers))
    }
}

/// `meta`: where and when a record was read.
private final class DescribeOrigin: Processor {
    private let context: RecordContext

    init(_ context: RecordContext) {
        self.context = context
    }

    func process(_ record: Record<Datum?, Datum?>) throws {
        // Kafka says that what a punctuation sends comes from no topic at offset -1.
        let origin = context.recordMetadata.map { "\($0.topic)/\($0.offset)" } ?? "null/-1"
        let text = "\(origin)/\(record.timestamp)/\(context.streamTime)/\(record.value.shown)"
        try context.forward(record.with(value: .text(text)))
    }
}

/// `swapDelayed`: key and value change places, and the record is dated later.
private final class SwapDelayed: Processor {
    private let context: RecordContext
    private let delay: Int64

    init(_ context: RecordContext, by delay: Int64) {
        self.context = context
        self.delay = delay
    }

    func process(_ record: Record<Datum?, Datum?>) throws {
        try context.forward(
            Record(
                key: record.value.map { .text($0.text) }, value: record.key.map { .text($0.text) },
                timestamp: record.timestamp.advanced(byMilliseconds: delay), headers: record.headers))
    }
}
