import MillraceCore
import MillraceStreams

extension ProgramBuilder {
    /// `stream`, `table`, `globalTable`, `addStateStore`.
    func source(_ statement: Statement) throws -> Operand? {
        let text = DatumType.string.serde
        let extractor = try statement.extractor.map { try MillraceConformance.extractor($0) }
        switch statement.op {
        case "stream":
            let topics = try statement.required("topics", \.topics)
            externalTopics.formUnion(topics)
            return .stream(builder.stream(topics, key: text.optional, value: text.optional, timestamp: extractor))
        case "table":
            let topic = try statement.required("topic", \.topic)
            externalTopics.insert(topic)
            return .table(builder.table(topic, key: text, value: text, in: try materialized(statement), timestamp: extractor))
        case "globalTable":
            let topic = try statement.required("topic", \.topic)
            externalTopics.insert(topic)
            return .globalTable(builder.globalTable(topic, key: text, value: text, in: try materialized(statement)))
        default:
            let store = try statement.required("store", \.store)
            builder.addStore(textStore(store, inMemory: statement.storeType == "inMemory"))
            sharedStores.insert(store)
            return nil
        }
    }
}
