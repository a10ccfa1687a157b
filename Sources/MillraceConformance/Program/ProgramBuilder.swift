import MillraceCore
import MillraceStreams

/// Builds a program of the suite with the DSL, statement by statement.
final class ProgramBuilder {
    let builder: StreamsBuilder
    var types = ProgramTypes()
    /// The stores that the program names.
    private(set) var namedStores: Set<String> = []
    /// The stores that an `addStateStore` declared.
    var sharedStores: Set<String> = []
    /// Topics that are not internal.
    var externalTopics: Set<String> = []
    private var operands: [String: Operand] = [:]

    init(_ config: Case.Config?) {
        builder = StreamsBuilder(defaultStore: config?.defaultStore == "inMemory" ? .inMemory : .persistent)
    }

    /// Adds the statements in their order.
    ///
    /// - Throws: `BadProgram` for what the suite's language does not define, or the DSL does not have.
    func add(_ program: [Statement]) throws {
        for statement in program {
            types.add(statement)
            if let result = try apply(statement), let id = statement.id { operands[id] = result }
        }
    }

    private func apply(_ statement: Statement) throws -> Operand? {
        switch statement.op {
        case "stream", "table", "globalTable", "addStateStore": try source(statement)
        case "map", "flatMap", "flatMapValues", "selectKey", "windowKeyToString", "merge", "split", "repartition", "to", "toTable":
            try streamOperator(statement)
        case "filter", "filterNot": try filter(statement)
        case "mapValues": try mapValues(statement)
        case "process", "processValues": try process(statement)
        case "transformValues", "toStream", "suppress": try tableOperator(statement)
        case "groupByKey", "groupBy", "windowedBy", "emitStrategy", "cogroup": try grouping(statement)
        case "count": try count(statement)
        case "reduce": try reduce(statement)
        case "aggregate": try aggregate(statement)
        case "join", "leftJoin", "outerJoin": try join(statement)
        default: throw BadProgram("unknown op \(statement.op)")
        }
    }

    /// Names the branch of a split.
    func define(_ id: String, _ operand: Operand) {
        operands[id] = operand
    }

    /// What a statement applies to.
    func operand(_ statement: Statement, _ place: Int = 0) throws -> Operand {
        let ids = try statement.required("in", \.inputs).ids
        guard place < ids.count, let operand = operands[ids[place]] else {
            throw BadProgram("\(statement.op) applies to \(place < ids.count ? ids[place] : "nothing"), which no statement defines")
        }
        return operand
    }

    /// The stream that a statement applies to.
    func stream(_ statement: Statement, _ place: Int = 0) throws -> DatumStream {
        guard case .stream(let stream) = try operand(statement, place) else { throw try unfit(statement, place) }
        return stream
    }

    /// The table that a statement applies to.
    func table(_ statement: Statement, _ place: Int = 0) throws -> DatumTable {
        guard case .table(let table) = try operand(statement, place) else { throw try unfit(statement, place) }
        return table
    }

    /// The error of a statement that cannot be applied to what it names.
    func unfit(_ statement: Statement, _ place: Int = 0) throws -> BadProgram {
        BadProgram("\(statement.op) does not apply to \(try operand(statement, place).kind)")
    }

    /// The store of a statement.
    func materialized(_ statement: Statement) throws -> Materialized {
        if let store = statement.store { namedStores.insert(store) }
        let kind: Materialized.Kind =
            switch statement.storeType {
            case nil: .automatic
            case "persistent": .persistent
            case "inMemory": .inMemory
            case "versioned": .versioned(history: .milliseconds(try statement.required("history", \.history)))
            case let kind?: throw BadProgram("unknown storeType \(kind)")
            }
        return Materialized(statement.store, kind: kind, retention: statement.retention.map { .milliseconds($0) })
    }

    /// The store of an operator that only has one when it is named.
    func materializedIfNamed(_ statement: Statement) throws -> Materialized? {
        statement.store == nil ? nil : try materialized(statement)
    }

    /// A store of texts for processors.
    func textStore(_ name: String, inMemory: Bool) -> StoreBuilder {
        namedStores.insert(name)
        return .keyValue(inMemory ? .inMemory(name) : .persistent(name), key: .string, value: .string)
    }
}
