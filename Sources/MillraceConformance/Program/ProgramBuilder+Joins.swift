import MillraceCore
import MillraceStreams

extension ProgramBuilder {
    /// `join`, `leftJoin`, `outerJoin`, of streams and tables.
    func join(_ statement: Statement) throws -> Operand {
        switch (try operand(statement), try operand(statement, 1)) {
        case (.stream(let left), .stream(let right)): .stream(try join(left, right, statement))
        case (.stream(let left), .table(let right)): .stream(try join(left, right, statement))
        case (.stream(let left), .globalTable(let right)): .stream(try join(left, right, statement))
        case (.table(let left), .table(let right)): .table(try join(left, right, statement))
        case (let left, let right): throw BadProgram("there is no \(statement.op) of \(left.kind) and \(right.kind)")
        }
    }

    private func join(_ left: DatumStream, _ right: DatumStream, _ statement: Statement) throws -> DatumStream {
        let windows = try joinWindows(statement)
        let store = Materialized(kind: try materialized(statement).kind)
        let specification = try statement.required("joiner", \.joiner)
        let join = try joiner(specification)
        let (named, key) = (statement.name, types.commonKey(statement).serde)
        let (value, other) = (types.input(statement).value.serde, types.input(statement, 1).value.serde)
        let usesKey = joinerUsesKey(specification)
        switch statement.op {
        case "join":
            let joined: KStream<Datum, Datum?> =
                usesKey
                ? left.join(right, within: windows, in: store, named: named, key: key, value: value, otherValue: other) {
                    (key: Datum, left: Datum, right: Datum) in join(key, left, right)
                }
                : left.join(right, within: windows, in: store, named: named, key: key, value: value, otherValue: other) {
                    (left: Datum, right: Datum) in join(nil, left, right)
                }
            return joined.retyped(key: key.optional, value: DatumType.string.serde.optional) {
                Record(key: $0.key, value: $0.value, timestamp: $0.timestamp, headers: $0.headers)
            }
        case "leftJoin":
            guard usesKey else {
                return left.leftJoin(right, within: windows, in: store, named: named, key: key, value: value, otherValue: other) {
                    (left: Datum, right: Datum?) in join(nil, left, right)
                }
            }
            return left.leftJoin(right, within: windows, in: store, named: named, key: key, value: value, otherValue: other) {
                (key: Datum?, left: Datum, right: Datum?) in join(key, left, right)
            }
        default:
            guard usesKey else {
                return left.outerJoin(right, within: windows, in: store, named: named, key: key, value: value, otherValue: other) {
                    (left: Datum?, right: Datum?) in join(nil, left, right)
                }
            }
            return left.outerJoin(right, within: windows, in: store, named: named, key: key, value: value, otherValue: other) {
                (key: Datum?, left: Datum?, right: Datum?) in join(key, left, right)
            }
        }
    }

    private func joinWindows(_ statement: Statement) throws -> JoinWindows {
        let window = try statement.required("window", \.window)
        guard let difference = window.diff else { throw BadProgram("a join of streams lacks \"diff\"") }
        return JoinWindows(
            difference: .milliseconds(difference), grace: window.grace.map { .milliseconds($0) },
            before: window.before.map { .milliseconds($0) }, after: window.after.map { .milliseconds($0) })
    }
}
