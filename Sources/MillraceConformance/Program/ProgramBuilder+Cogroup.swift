import MillraceStreams

/// Grouped streams with an aggregator each, and the windows that they are cut into.
///
/// The DSL hears of them only when they are aggregated: aggregations that start from null take other closures than those with an initial value.
struct Cogrouped {
    struct Input {
        let grouped: KGroupedStream<Datum, Datum?>
        let aggregate: Aggregation
    }

    let inputs: [Input]
    var window: WindowParameters?

    /// For an aggregation that has an initial value.
    func stream() throws -> CogroupedKStream<Datum, Datum> {
        guard let first = inputs.first else { throw BadProgram("a cogroup of nothing") }
        func apply(_ input: Input) -> @Sendable (Datum, Datum?, Datum) -> Datum? {
            let aggregate = input.aggregate
            return { aggregate($0, $1, $2) }
        }
        return inputs.dropFirst().reduce(first.grouped.cogroup(apply(first))) { $0.cogroup($1.grouped, apply($1)) }
    }

    /// For an aggregation that starts from null.
    func streamFromNull() throws -> CogroupedKStream<Datum, Datum> {
        guard let first = inputs.first else { throw BadProgram("a cogroup of nothing") }
        func apply(_ input: Input) -> @Sendable (Datum, Datum?, Datum?) -> Datum? {
            let aggregate = input.aggregate
            return { aggregate($0, $1, $2) }
        }
        return inputs.dropFirst().reduce(first.grouped.cogroup(fromNil: apply(first))) { $0.cogroup($1.grouped, fromNil: apply($1)) }
    }
}

extension ProgramBuilder {
    func cogroup(_ statement: Statement) throws -> Cogrouped {
        let aggregations = try statement.required("aggs", \.aggs)
        return Cogrouped(
            inputs: try aggregations.enumerated().map { place, name in
                guard case .grouped(let grouped) = try operand(statement, place) else { throw try unfit(statement, place) }
                return Cogrouped.Input(grouped: grouped, aggregate: try aggregation(name))
            })
    }

    /// `aggregate` of cogrouped streams.
    func aggregate(_ cogrouped: Cogrouped, _ statement: Statement) throws -> DatumTable {
        let store = try materialized(statement)
        let result = types[statement.id ?? ""]
        let text = DatumType.string.serde
        let initial = try initialValue(statement.required("init", \.initial))
        let stream = try initial == nil ? cogrouped.streamFromNull() : cogrouped.stream()
        guard let window = cogrouped.window else {
            guard let initial else { return stream.aggregate(in: store, value: text) }
            return stream.aggregate(initial, in: store, value: text)
        }
        if window.type == "session" {
            let merge = try merging(statement.required("merger", \.merger))
            let sessions = stream.windowedBy(try window.session())
            guard let initial else {
                return sessions.aggregate(in: store, value: text, merging: { merge($0, $1, $2) }).datums(result)
            }
            return sessions.aggregate(initial, in: store, value: text, merging: { merge($0, $1, $2) }).datums(result)
        }
        let windows =
            switch window.type {
            case "sliding": stream.windowedBy(try window.sliding())
            case "unlimited": stream.windowedBy(window.unlimited)
            default: stream.windowedBy(try window.time())
            }
        guard let initial else { return windows.aggregate(in: store, value: text).datums(result) }
        return windows.aggregate(initial, in: store, value: text).datums(result)
    }
}
