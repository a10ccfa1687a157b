import MillraceCore
import MillraceStreams

extension ProgramBuilder {
    /// A join of two tables, by key or, with `fk`, by a foreign key.
    func join(_ left: DatumTable, _ right: DatumTable, _ statement: Statement) throws -> DatumTable {
        let join = try joiner(statement.required("joiner", \.joiner))
        let serde = DatumType.string.serde
        let inner: @Sendable (Datum, Datum) -> Datum? = { join(nil, $0, $1) }
        let leftOuter: @Sendable (Datum, Datum?) -> Datum? = { join(nil, $0, $1) }
        if let specification = statement.fk {
            let store = try materialized(statement)
            let map = try keyMapper(specification)
            let foreignKey: @Sendable (Datum, Datum) -> Datum? = { map($0, $1) }
            switch statement.op {
            case "join": return left.join(right, foreignKey: foreignKey, in: store, value: serde, inner)
            case "leftJoin": return left.leftJoin(right, foreignKey: foreignKey, in: store, value: serde, leftOuter)
            default: throw BadProgram("there is no outer join by a foreign key")
            }
        }
        let store = try materializedIfNamed(statement)
        switch statement.op {
        case "join": return left.join(right, in: store, value: serde, inner)
        case "leftJoin": return left.leftJoin(right, in: store, value: serde, leftOuter)
        default: return left.outerJoin(right, in: store, value: serde) { join(nil, $0, $1) }
        }
    }
}
