import MillraceStreams

extension ProgramBuilder {
    /// `process` and `processValues`.
    func process(_ statement: Statement) throws -> Operand {
        let stream = try stream(statement)
        let specification = try statement.required("processor", \.processor)
        var (brought, connected): ([StoreBuilder], [String]) = ([], [])
        if let store = statement.store {
            if sharedStores.contains(store) || statement.connect == true {
                connected = [store]
            } else {
                brought = [textStore(store, inMemory: statement.storeType == "inMemory")]
            }
        }
        if statement.op == "process" {
            return .stream(
                stream.process(bringing: brought, connecting: connected, try processor(specification, store: statement.store)))
        }
        return .stream(
            stream.processValues(bringing: brought, connecting: connected, try valueProcessor(specification, store: statement.store)))
    }
}
