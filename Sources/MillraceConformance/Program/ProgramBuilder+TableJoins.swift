import MillraceStreams

extension ProgramBuilder {
    /// A join of two tables, by their keys or by a key made of the left row.
    func join(_ left: DatumTable, _ right: DatumTable, _ statement: Statement) throws -> DatumTable {
        let join = try joiner(statement.required("joiner", \.joiner))
        if let fk = statement.fk { return try self.join(left, right, foreignKey: keyMapper(fk), joining: join, statement) }
        let (store, text) = (try materializedIfNamed(statement), DatumType.string.serde)
        return switch statement.op {
        case "join": left.join(right, in: store, value: text) { (left: Datum, right: Datum) in join(nil, left, right) }
        case "leftJoin": left.leftJoin(right, in: store, value: text) { (left: Datum, right: Datum?) in join(nil, left, right) }
        default: left.outerJoin(right, in: store, value: text) { (left: Datum?, right: Datum?) in join(nil, left, right) }
        }
    }

    private func join(
        _ left: DatumTable, _ right: DatumTable, foreignKey: @escaping RecordMapper, joining join: @escaping Joiner, _ statement: Statement
    ) throws -> DatumTable {
        let (store, text) = (try materialized(statement), DatumType.string.serde)
        let key: @Sendable (Datum, Datum) -> Datum? = { foreignKey($0, $1) }
        switch statement.op {
        case "join":
            return left.join(right, foreignKey: key, in: store, value: text) { (left: Datum, right: Datum) in join(nil, left, right) }
        case "leftJoin":
            return left.leftJoin(right, foreignKey: key, in: store, value: text) { (left: Datum, right: Datum?) in
                join(nil, left, right)
            }
        default: throw BadProgram("there is no outer join by a foreign key")
        }
    }
}
