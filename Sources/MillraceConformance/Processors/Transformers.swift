import MillraceCore
import MillraceStreams

/// Makes the transformer of this name.
///
/// - Parameter state: The store of the one that counts.
/// - Throws: `BadProgram` when there is no such transformer.
func transformer(
    _ specification: String, state: String?
) throws -> @Sendable (ProcessorContext<Never, Never>) throws -> any TableTransformer<Datum, Datum, Datum> {
    switch specification {
    case "tagLen": return { _ in PureTransformer { value in value.map { .text("\($0.text)#\($0.text.utf8.count)") } } }
    case "keepOrDash": return { _ in PureTransformer { value in .text(value?.text ?? "-") } }
    case "countCalls":
        guard let state else { throw BadProgram("transformer \(specification) needs a store") }
        return { CallCounter(try $0.store(state)) }
    default: throw BadProgram("unknown transformer \(specification)")
    }
}

/// `tagLen` and `keepOrDash`: the value alone decides.
private final class PureTransformer: TableTransformer {
    private let transform: (Datum?) -> Datum?

    init(_ transform: @escaping (Datum?) -> Datum?) {
        self.transform = transform
    }

    func transform(_ row: FixedKeyRecord<Datum, Datum?>) throws -> Datum? { transform(row.value) }
}

/// `countCalls`: how often it was called for the key.
private final class CallCounter: TableTransformer {
    private let counts: TextStore

    init(_ counts: TextStore) {
        self.counts = counts
    }

    func transform(_ row: FixedKeyRecord<Datum, Datum?>) throws -> Datum? {
        let count = (try counts.get(row.key.text)?.smallInteger ?? 0) + 1
        try counts.put(row.key.text, String(count))
        return row.value.map { .text("\($0.text)#\(count)") }
    }
}
