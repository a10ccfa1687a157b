import MillraceCore
import MillraceStreams

/// A processor of values that forwards records of the suite's types.
typealias ValueContext = FixedKeyProcessorContext<Datum?, Datum?>

/// Makes the processor of values of this name.
///
/// - Parameter store: The store that it works with.
/// - Throws: `BadProgram` when there is no such processor.
func valueProcessor(
    _ specification: String, store: String?
) throws -> @Sendable (ValueContext) throws -> any FixedKeyProcessor<Datum?, Datum?> {
    guard let kind = ValueProcessor.Kind(rawValue: specification) else { throw BadProgram("unknown processor of values \(specification)") }
    if kind == .headerTag { return { ValueProcessor($0, kind, nil) } }
    guard let store else { throw BadProgram("processor \(specification) needs a store") }
    return { ValueProcessor($0, kind, try $0.store(store)) }
}

/// The processors that leave keys alone.
private final class ValueProcessor: FixedKeyProcessor {
    enum Kind: String {
        case dedup, rollingMax, runningCount, headerTag, lookup
    }

    private let context: ValueContext
    private let kind: Kind
    private let store: TextStore?

    init(_ context: ValueContext, _ kind: Kind, _ store: TextStore?) {
        self.context = context
        self.kind = kind
        self.store = store
    }

    func process(_ record: FixedKeyRecord<Datum?, Datum?>) throws {
        guard let store else { return try tagHeaders(record) }
        let key = record.key?.text
        switch kind {
        case .headerTag: try tagHeaders(record)
        case .dedup:
            if try store.putIfAbsent("\(record.key.shown)=\(record.value.shown)", "1") == nil { try context.forward(record) }
        case .rollingMax:
            guard let key else { return }
            guard let value = record.value else {
                try store.delete(key)
                return try context.forward(record)
            }
            let maximum = rollingMaximum(value, stored: try store.get(key))
            try store.put(key, maximum)
            try context.forward(record.with(value: .text(maximum)))
        case .runningCount:
            let count = (try store.get(record.key.shown)?.smallInteger ?? 0) + 1
            try store.put(record.key.shown, String(count))
            try context.forward(record.with(value: .text("\(record.value.shown)#\(count)")))
        case .lookup:
            let found = try key.flatMap { try store.get($0) }
            try context.forward(record.with(value: .text("\(record.value.shown)?\(found ?? "null")")))
        }
    }

    private func tagHeaders(_ record: FixedKeyRecord<Datum?, Datum?>) throws {
        var tagged = record
        (tagged.value, tagged.headers) = MillraceConformance.tagged(record.value, record.headers)
        try context.forward(tagged)
    }
}
