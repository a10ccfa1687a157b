import MillraceCore
import MillraceStreams

extension ProgramBuilder {
    /// The stateless operators of streams, and the ways out of one.
    func streamOperator(_ statement: Statement) throws -> Operand? {
        let stream = try stream(statement)
        let input = types.input(statement)
        switch statement.op {
        case "map":
            let (key, value) = (try keyMapper(statement.required("key", \.key)), try valueMapper(statement.required("value", \.value)))
            return .stream(stream.map { (key($0, $1), value($0, $1)) })
        case "flatMap":
            let (key, values) = (try keyMapper(statement.required("key", \.key)), try flatMapper(statement.required("values", \.values)))
            return .stream(stream.flatMap { oldKey, value in values(value).map { (key(oldKey, $0), $0) } })
        case "flatMapValues":
            let values = try flatMapper(statement.required("values", \.values))
            return .stream(stream.flatMapValues { (value: Datum?) in values(value) })
        case "selectKey":
            let key = try keyMapper(statement.required("key", \.key))
            return .stream(stream.selectKey { key($0, $1) })
        case "windowKeyToString":
            return .stream(stream.selectKey { key, _ in key.map { .text($0.text) } })
        case "merge":
            return .stream(stream.merge(with: try self.stream(statement, 1)))
        case "split":
            try split(stream, statement)
            return nil
        case "repartition":
            return .stream(
                stream.repartition(
                    named: statement.name, partitions: statement.partitions, key: input.key.serde.optional,
                    value: input.value.serde.optional))
        case "toTable":
            return .table(stream.toTable(in: try materialized(statement), key: input.key.serde, value: input.value.serde))
        default:
            try write(stream, statement)
            return nil
        }
    }

    /// `filter` and `filterNot`, of streams and tables.
    func filter(_ statement: Statement) throws -> Operand {
        let passes = try predicate(statement.required("pred", \.pred))
        let isNot = statement.op == "filterNot"
        if case .table(let table) = try operand(statement) {
            let store = try materializedIfNamed(statement)
            return .table(isNot ? table.filterNot(in: store) { passes($0, $1) } : table.filter(in: store) { passes($0, $1) })
        }
        let stream = try stream(statement)
        return .stream(isNot ? stream.filterNot(passes) : stream.filter(passes))
    }

    /// `mapValues`, of streams and tables.
    func mapValues(_ statement: Statement) throws -> Operand {
        let specification = try statement.required("value", \.value)
        let map = try valueMapper(specification)
        if case .table(let table) = try operand(statement) {
            let (store, text) = (try materializedIfNamed(statement), DatumType.string.serde)
            return .table(
                usesKey(specification)
                    ? table.mapValues(in: store, value: text) { (key: Datum, value: Datum) in map(key, value) }
                    : table.mapValues(in: store, value: text) { (value: Datum) in map(nil, value) })
        }
        let stream = try stream(statement)
        return .stream(
            usesKey(specification)
                ? stream.mapValues { (key: Datum?, value: Datum?) in map(key, value) }
                : stream.mapValues { (value: Datum?) in map(nil, value) })
    }

    private func split(_ stream: DatumStream, _ statement: Statement) throws {
        let split = stream.split(named: "\(try statement.required("id", \.id))-")
        for branch in try statement.required("branches", \.branches) {
            define(branch.id, .stream(split.branch(named: branch.id, try predicate(branch.pred))))
        }
        if let rest = statement.defaultBranch { define(rest, .stream(split.defaultBranch(named: rest))) }
    }

    private func write(_ stream: DatumStream, _ statement: Statement) throws {
        let text = DatumType.string.serde.optional
        if let choice = statement.topicFrom {
            stream.to(key: text, value: text, choosing: try topicChoice(choice))
        } else {
            let topic = try statement.required("topic", \.topic)
            externalTopics.insert(topic)
            stream.to(topic, key: text, value: text)
        }
    }
}
