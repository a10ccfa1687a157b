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
        default: throw BadProgram("the DSL has no \(statement.op) yet")
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
        case (.grouped(let grouped), "tumbling"), (.grouped(let grouped), "hopping"):
            return .timeWindowed(grouped.windowedBy(try timeWindows(window), emit: emit), windowing)
        case (.grouped(let grouped), "unlimited"):
            return .timeWindowed(
                grouped.windowedBy(UnlimitedWindows(startingAt: Timestamp(milliseconds: window.start ?? 0)), emit: emit), windowing)
        case (.grouped(let grouped), "sliding"):
            guard let difference = window.diff else { throw BadProgram("sliding windows lack \"diff\"") }
            let windows = SlidingWindows(difference: .milliseconds(difference), grace: grace(window))
            return .timeWindowed(grouped.windowedBy(windows, emit: emit), windowing)
        case (.grouped(let grouped), "session"):
            guard let gap = window.gap else { throw BadProgram("session windows lack \"gap\"") }
            return .sessionWindowed(
                grouped.windowedBy(SessionWindows(gap: .milliseconds(gap), grace: grace(window)), emit: emit), windowing)
        default: throw BadProgram("the DSL cannot window \(operand.kind) by \(window.type ?? "nothing") windows yet")
        }
    }

    private func timeWindows(_ window: WindowParameters) throws -> TimeWindows {
        guard let size = window.size else { throw BadProgram("time windows lack \"size\"") }
        guard let advance = window.advance else { return .tumbling(size: .milliseconds(size), grace: grace(window)) }
        return .hopping(size: .milliseconds(size), advance: .milliseconds(advance), grace: grace(window))
    }

    private func grace(_ window: WindowParameters) -> Duration? { window.grace.map { .milliseconds($0) } }
}
