import MillraceCore
import MillraceStreams

typealias DatumStream = KStream<Datum?, Datum?>
typealias DatumTable = KTable<Datum, Datum>

/// What a statement's id names.
enum Operand {
    case stream(DatumStream)
    case table(DatumTable)
    case globalTable(GlobalKTable<Datum, Datum>)
    case grouped(KGroupedStream<Datum, Datum?>)
    case groupedTable(KGroupedTable<Datum, Datum>)
    case timeWindowed(TimeWindowedKStream<Datum, Datum?>, Windowing)
    case sessionWindowed(SessionWindowedKStream<Datum, Datum?>, Windowing)

    /// For messages.
    var kind: String {
        switch self {
        case .stream: "a stream"
        case .table: "a table"
        case .globalTable: "a global table"
        case .grouped: "a grouped stream"
        case .groupedTable: "a grouped table"
        case .timeWindowed, .sessionWindowed: "a windowed stream"
        }
    }
}

/// The statement that windowed a stream, for an `emitStrategy` that comes after it: in Swift the strategy is an argument of `windowedBy`.
struct Windowing {
    let statement: Statement
}

extension KTable {
    /// The table under the suite's types.
    func datums(_ types: RecordTypes) -> DatumTable where Key == Datum, Value == Int64 {
        retyped(key: types.key.serde, value: types.value.serde, newKey: { $0 }, oldKey: { $0 }, newValue: { .number($0) })
    }

    func datums(_ types: RecordTypes) -> DatumTable where Key == Windowed<Datum>, Value == Int64 {
        retyped(key: types.key.serde, value: types.value.serde, newKey: Datum.init, oldKey: Windowed.init, newValue: { .number($0) })
    }

    func datums(_ types: RecordTypes) -> DatumTable where Key == Windowed<Datum>, Value == Datum {
        retyped(key: types.key.serde, value: types.value.serde, newKey: Datum.init, oldKey: Windowed.init, newValue: { $0 })
    }
}

extension DatumType {
    /// The serde of windowed keys as the DSL knows them; of no use where keys are none.
    var windowedSerde: Serde<Windowed<Datum>> {
        switch self {
        case .sessionWindow(let key): .sessionWindowed(key.serde)
        case .timeWindow(let key, let size): .timeWindowed(key.serde, size: .milliseconds(size))
        case .string, .long: .timeWindowed(serde, size: .zero)
        }
    }
}

extension Datum {
    init(_ key: Windowed<Datum>) {
        self = .windowed(key.key, start: key.window.start.milliseconds, end: key.window.end.milliseconds)
    }
}

extension Windowed<Datum> {
    /// - Throws: `MillraceError` of kind `serialization` when `datum` is not the key of a window.
    init(_ datum: Datum) throws {
        guard case .windowed(let key, let start, let end) = datum else {
            throw MillraceError(.serialization, "\"\(datum.text)\" is not the key of a window")
        }
        self.init(key, Window(start: Timestamp(milliseconds: start), end: Timestamp(milliseconds: end)))
    }
}
