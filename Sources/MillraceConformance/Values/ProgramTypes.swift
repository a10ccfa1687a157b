/// The static types of a program's results, by the rules of the suite's README ("Types"), which say what serde each statement uses.
struct ProgramTypes {
    private var types: [String: RecordTypes] = [:]

    subscript(id: String) -> RecordTypes { types[id] ?? RecordTypes() }

    /// The types of a statement's first, or other, input.
    func input(_ statement: Statement, _ place: Int = 0) -> RecordTypes {
        guard let ids = statement.inputs?.ids, place < ids.count else { return RecordTypes() }
        return self[ids[place]]
    }

    /// The key type of an operation over all its inputs: theirs when they agree, else strings.
    func commonKey(_ statement: Statement) -> DatumType { common(statement, \.key) }

    private func common(_ statement: Statement, _ part: KeyPath<RecordTypes, DatumType>) -> DatumType {
        let all = Set((statement.inputs?.ids ?? []).map { self[$0][keyPath: part] })
        return all.count == 1 ? all.first ?? .string : .string
    }

    /// Notes the types of a statement's result.
    mutating func add(_ statement: Statement) {
        guard statement.inputs != nil else { return }
        let input = input(statement)
        if statement.op == "split" {
            for branch in statement.branches ?? [] { types[branch.id] = input }
            if let rest = statement.defaultBranch { types[rest] = input }
        } else if let id = statement.id {
            types[id] = result(of: statement, input)
        }
    }

    private func result(of statement: Statement, _ input: RecordTypes) -> RecordTypes {
        switch statement.op {
        case "filter", "filterNot", "repartition", "toTable", "groupByKey", "emitStrategy", "suppress": input
        case "merge": RecordTypes(key: commonKey(statement), value: common(statement, \.value))
        case "mapValues", "flatMapValues", "transformValues", "processValues": RecordTypes(key: input.key)
        case "selectKey", "windowKeyToString": RecordTypes(value: input.value)
        case "toStream": statement.key == nil ? input : RecordTypes(value: input.value)
        // Of a stream only the key changes; of a table both are mapped.
        case "groupBy": statement.value == nil ? RecordTypes(value: input.value) : RecordTypes()
        case "windowedBy": RecordTypes(key: input.key, value: input.value, window: statement.window)
        case "cogroup": RecordTypes(key: commonKey(statement))
        case "count": RecordTypes(key: aggregateKey(input), value: .long)
        case "reduce", "aggregate": RecordTypes(key: aggregateKey(input))
        case "join", "leftJoin", "outerJoin": RecordTypes(key: statement.window == nil ? input.key : commonKey(statement))
        default: RecordTypes()
        }
    }

    private func aggregateKey(_ input: RecordTypes) -> DatumType {
        guard let window = input.window else { return input.key }
        return switch window.type {
        case "session": .sessionWindow(input.key)
        case "sliding": .timeWindow(input.key, size: window.diff ?? 0)
        case "unlimited": .timeWindow(input.key, size: .max)
        default: .timeWindow(input.key, size: window.size ?? 0)
        }
    }
}
