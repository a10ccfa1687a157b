import MillraceCore
import MillraceStreams

extension ProgramBuilder {
    /// A join of a stream with a table, at once or after a grace period.
    func join(_ stream: DatumStream, _ table: DatumTable, _ statement: Statement) throws -> DatumStream {
        let specification = try statement.required("joiner", \.joiner)
        let join = try joiner(specification)
        let usesKey = joinerUsesKey(specification)
        let input = types.input(statement)
        let (key, value) = (input.key.serde.optional, input.value.serde.optional)
        let grace = statement.grace.map { Duration.milliseconds($0) }
        switch statement.op {
        case "join":
            guard usesKey else {
                return stream.join(table, grace: grace, key: key, value: value, named: statement.name) {
                    (left: Datum, right: Datum) in join(nil, left, right)
                }
            }
            return stream.join(table, grace: grace, key: key, value: value, named: statement.name) {
                (key: Datum?, left: Datum, right: Datum) in join(key, left, right)
            }
        case "leftJoin":
            guard usesKey else {
                return stream.leftJoin(table, grace: grace, key: key, value: value, named: statement.name) {
                    (left: Datum, right: Datum?) in join(nil, left, right)
                }
            }
            return stream.leftJoin(table, grace: grace, key: key, value: value, named: statement.name) {
                (key: Datum?, left: Datum, right: Datum?) in join(key, left, right)
            }
        default: throw BadProgram("there is no outer join of a stream and a table")
        }
    }

    /// A join of a stream with a global table, by a key made of the record.
    func join(_ stream: DatumStream, _ table: GlobalKTable<Datum, Datum>, _ statement: Statement) throws -> DatumStream {
        let specification = try statement.required("joiner", \.joiner)
        let join = try joiner(specification)
        let usesKey = joinerUsesKey(specification)
        let map = try keyMapper(statement.required("key", \.key))
        let key: @Sendable (Datum?, Datum) -> Datum? = { map($0, $1) }
        switch statement.op {
        case "join":
            guard usesKey else {
                return stream.join(table, on: key) { (left: Datum, right: Datum) in join(nil, left, right) }
            }
            return stream.join(table, on: key) { (key: Datum?, left: Datum, right: Datum) in join(key, left, right) }
        case "leftJoin":
            guard usesKey else {
                return stream.leftJoin(table, on: key) { (left: Datum, right: Datum?) in join(nil, left, right) }
            }
            return stream.leftJoin(table, on: key) { (key: Datum?, left: Datum, right: Datum?) in join(key, left, right) }
        default: throw BadProgram("there is no outer join of a stream and a global table")
        }
    }
}
