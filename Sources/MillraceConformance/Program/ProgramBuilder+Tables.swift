import MillraceCore
import MillraceStreams

extension ProgramBuilder {
    /// `transformValues`, `toStream`, `suppress`.
    func tableOperator(_ statement: Statement) throws -> Operand {
        let table = try table(statement)
        switch statement.op {
        case "toStream": return .stream(try toStream(table, statement))
        case "transformValues":
            let state = statement.state
            // The suite makes the store of a transformer at the statement that uses it.
            if let state { builder.addStore(textStore(state, inMemory: true)) }
            return .table(
                table.transformValues(
                    connecting: state.map { [$0] } ?? [], in: try materializedIfNamed(statement), value: DatumType.string.serde,
                    try transformer(statement.required("transformer", \.transformer), state: state)))
        default: return .table(try suppress(table, statement))
        }
    }

    private func toStream(_ table: DatumTable, _ statement: Statement) throws -> DatumStream {
        let input = types.input(statement)
        guard let specification = statement.key else {
            return table.toStream().retyped(key: input.key.serde.optional, value: input.value.serde.optional) {
                Record(key: $0.key, value: $0.value, timestamp: $0.timestamp, headers: $0.headers)
            }
        }
        let key = try keyMapper(specification)
        return table.toStream { key($0, $1) }
    }

    private func suppress(_ table: DatumTable, _ statement: Statement) throws -> DatumTable {
        let maximum = statement.maxRecords.map(Int.init)
        guard try statement.required("until", \.until) == "windowCloses" else {
            let limit = Duration.milliseconds(try statement.required("ms", \.ms))
            let full: SuppressionOverflow = statement.full == "shutDown" ? .shutDown : .emitEarly
            return table.suppress(.untilTimeLimit(limit, maximumRecords: maximum, whenFull: full))
        }
        let input = types.input(statement)
        let windowed: KTable<Windowed<Datum>, Datum> = table.retyped(
            key: input.key.windowedSerde, value: input.value.serde, newKey: Windowed.init, oldKey: Datum.init, newValue: { $0 })
        return windowed.suppress(.untilWindowCloses(maximumRecords: maximum)).datums(input)
    }
}
