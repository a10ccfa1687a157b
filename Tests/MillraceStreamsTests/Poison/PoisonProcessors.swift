import Millrace

/// Sends records on.
final class Forwarding: Processor {
    private let context: ProcessorContext<String, String>
    private let fuse: Fuse

    init(_ context: ProcessorContext<String, String>, _ fuse: Fuse) { (self.context, self.fuse) = (context, fuse) }

    func process(_ record: Record<String, String>) throws { try context.forward(record.with(value: fuse.check(record.value))) }
}

/// Sends records on with their keys.
final class ForwardingValues: FixedKeyProcessor {
    private let context: FixedKeyProcessorContext<String, String>
    private let fuse: Fuse

    init(_ context: FixedKeyProcessorContext<String, String>, _ fuse: Fuse) { (self.context, self.fuse) = (context, fuse) }

    func process(_ record: FixedKeyRecord<String, String>) throws { try context.forward(record.with(value: fuse.check(record.value))) }
}

/// Sets a timer for each record, and tells of those that fire.
final class Reminding: Processor {
    private let timers: Timers<String>
    private let fuse: Fuse

    init(_ context: ProcessorContext<String, String>, _ fuse: Fuse, due: Fuse = Fuse(times: 0)) throws {
        self.fuse = fuse
        timers = try context.timers("timers", by: .stream) { timer in
            try context.forward(Record(key: timer.key, value: due.check(timer.name), timestamp: timer.time))
        }
    }

    func process(_ record: Record<String, String>) throws {
        try timers.set(record.key, at: record.timestamp.advanced(byMilliseconds: 20), name: fuse.check(record.value))
    }
}

/// Says every 25 ms of stream time what it is.
final class TellingTime: Processor {
    private let fuse: Fuse

    init(_ context: ProcessorContext<String, String>, _ fuse: Fuse) throws {
        self.fuse = fuse
        try context.schedule(every: .milliseconds(25), by: .stream) { time in
            try context.forward(Record(key: time > 1_000_000 ? "poison" : "tick", value: "\(time)", timestamp: time))
        }
    }

    func process(_ record: Record<String, String>) throws { _ = try fuse.check(record.value) }
}

/// Rows as they are.
final class Transforming: TableTransformer {
    private let fuse: Fuse

    init(_ fuse: Fuse) { self.fuse = fuse }

    func transform(_ row: FixedKeyRecord<String, String?>) throws -> String? { try row.value.map { try fuse.check($0) } }
}
