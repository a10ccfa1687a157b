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
        default: throw BadProgram("the DSL has no \(statement.op) yet")
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
}
