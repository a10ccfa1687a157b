import MillraceStreams

extension ProgramBuilder {
    /// `join`, `leftJoin`, `outerJoin`, of streams and tables.
    func join(_ statement: Statement) throws -> Operand {
        throw BadProgram("the DSL has no \(statement.op) of \(try operand(statement).kind) and \(try operand(statement, 1).kind) yet")
    }
}
