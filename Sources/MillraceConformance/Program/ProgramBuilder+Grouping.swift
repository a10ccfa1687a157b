import MillraceCore
import MillraceStreams

extension ProgramBuilder {
    /// `groupByKey`, `groupBy`, `windowedBy`, `emitStrategy`, `cogroup`.
    func grouping(_ statement: Statement) throws -> Operand {
        switch statement.op {
        case "groupByKey":
            let input = types.input(statement)
            return .grouped(
                try stream(statement).groupByKey(key: input.key.serde, value: input.value.serde.optional, named: statement.name))
        case "groupBy": return try groupBy(statement)
        case "windowedBy": return try windowedBy(statement, operand(statement), emit: .onWindowUpdate)
        case "emitStrategy":
            let emit: EmitStrategy = statement.emit == "onWindowClose" ? .onWindowClose : .onWindowUpdate
            switch try operand(statement) {
            case .timeWindowed(_, let windowing), .sessionWindowed(_, let windowing):
                return try windowedBy(windowing.statement, operand(windowing.statement), emit: emit)
            default: throw try unfit(statement)
            }
        default: return .cogrouped(try cogroup(statement))
        }
    }

    private func groupBy(_ statement: Statement) throws -> Operand {
        let key = try keyMapper(statement.required("key", \.key))
        switch try operand(statement) {
        case .stream(let stream):
            return .grouped(
                stream.groupBy(
                    serde: DatumType.string.serde, value: types.input(statement).value.serde.optional, named: statement.name
                ) { key($0, $1) })
        case .table(let table):
            let value = try valueMapper(statement.required("value", \.value))
            let text = DatumType.string.serde
            return .groupedTable(table.groupBy(key: text, value: text, named: statement.name) { (key($0, $1), value($0, $1)) })
        default: throw try unfit(statement)
        }
    }

    private func windowedBy(_ statement: Statement, _ operand: Operand, emit: EmitStrategy) throws -> Operand {
        let window = try statement.required("window", \.window)
        let windowing = Windowing(statement: statement)
        switch (operand, window.type) {
        case (.cogrouped(let cogrouped), _): return .cogrouped(Cogrouped(inputs: cogrouped.inputs, window: window))
        case (.grouped(let grouped), "tumbling"), (.grouped(let grouped), "hopping"):
            return .timeWindowed(grouped.windowedBy(try window.time(), emit: emit), windowing)
        case (.grouped(let grouped), "unlimited"):
            return .timeWindowed(grouped.windowedBy(window.unlimited, emit: emit), windowing)
        case (.grouped(let grouped), "sliding"):
            return .timeWindowed(grouped.windowedBy(try window.sliding(), emit: emit), windowing)
        case (.grouped(let grouped), "session"):
            return .sessionWindowed(grouped.windowedBy(try window.session(), emit: emit), windowing)
        default: throw BadProgram("\(operand.kind) cannot have \(window.type ?? "nothing") windows")
        }
    }
}
