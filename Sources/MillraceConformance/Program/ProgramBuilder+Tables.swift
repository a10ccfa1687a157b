import MillraceCore
import MillraceStreams

extension ProgramBuilder {
    /// `transformValues`, `toStream`, `suppress`.
    func tableOperator(_ statement: Statement) throws -> Operand {
        let table = try table(statement)
        switch statement.op {
        case "toStream": return .stream(try toStream(table, statement))
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
