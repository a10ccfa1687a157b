import MillraceStreams

extension ProgramBuilder {
    /// `count`, of anything grouped.
    func count(_ statement: Statement) throws -> Operand {
        let store = try materialized(statement)
        let result = types[statement.id ?? ""]
        switch try operand(statement) {
        case .grouped(let grouped): return .table(grouped.count(in: store).datums(result))
        case .groupedTable(let grouped): return .table(grouped.count(in: store).datums(result))
        case .timeWindowed(let windowed, _): return .table(windowed.count(in: store).datums(result))
        case .sessionWindowed(let windowed, _): return .table(windowed.count(in: store).datums(result))
        default: throw try unfit(statement)
        }
    }

    /// `reduce`, of anything grouped.
    func reduce(_ statement: Statement) throws -> Operand {
        let store = try materialized(statement)
        let result = types[statement.id ?? ""]
        let combine = try reduction(statement.required("reducer", \.reducer))
        switch try operand(statement) {
        case .grouped(let grouped):
            return .table(grouped.reduce(in: store, value: result.value.serde) { (left: Datum, right: Datum) in combine(left, right) })
        case .groupedTable(let grouped):
            let uncombine = try reduction(statement.required("subtractor", \.subtractor))
            return .table(grouped.reduce(in: store, adding: { combine($0, $1) }, subtracting: { uncombine($0, $1) }))
        case .timeWindowed(let windowed, _):
            return .table(windowed.reduce(in: store) { (left: Datum, right: Datum?) in combine(left, right) }.datums(result))
        case .sessionWindowed(let windowed, _):
            return .table(windowed.reduce(in: store) { (left: Datum, right: Datum?) in combine(left, right) }.datums(result))
        default: throw try unfit(statement)
        }
    }

    /// `aggregate`, of anything grouped.
    func aggregate(_ statement: Statement) throws -> Operand {
        let store = try materialized(statement)
        let result = types[statement.id ?? ""]
        let text = DatumType.string.serde
        let initial = try initialValue(statement.required("init", \.initial))
        let aggregate = try aggregation(statement.required("agg", \.agg))
        let apply: @Sendable (Datum, Datum?, Datum) -> Datum? = { aggregate($0, $1, $2) }
        let applyFromNull: @Sendable (Datum, Datum?, Datum?) -> Datum? = { aggregate($0, $1, $2) }
        switch try operand(statement) {
        case .grouped(let grouped):
            guard let initial else { return .table(grouped.aggregate(in: store, value: text, applyFromNull)) }
            return .table(grouped.aggregate(initial, in: store, value: text, apply))
        case .groupedTable(let grouped):
            let subtract = try aggregation(statement.required("subtractor", \.subtractor))
            let subtracting: @Sendable (Datum, Datum, Datum) -> Datum? = { subtract($0, $1, $2) }
            guard let initial else {
                return .table(grouped.aggregate(in: store, value: text, adding: { aggregate($0, $1, $2) }, subtracting: subtracting))
            }
            return .table(grouped.aggregate(initial, in: store, value: text, adding: { aggregate($0, $1, $2) }, subtracting: subtracting))
        case .timeWindowed(let windowed, _):
            guard let initial else { return .table(windowed.aggregate(in: store, value: text, applyFromNull).datums(result)) }
            return .table(windowed.aggregate(initial, in: store, value: text, apply).datums(result))
        case .sessionWindowed(let windowed, _):
            let merge = try merging(statement.required("merger", \.merger))
            guard let initial else {
                let merging: @Sendable (Datum, Datum?, Datum) -> Datum? = { merge($0, $1, $2) }
                return .table(windowed.aggregate(in: store, value: text, merging: merging, applyFromNull).datums(result))
            }
            let merging: @Sendable (Datum, Datum, Datum) -> Datum? = { merge($0, $1, $2) }
            return .table(windowed.aggregate(initial, in: store, value: text, merging: merging, apply).datums(result))
        default: throw try unfit(statement)
        }
    }
}
