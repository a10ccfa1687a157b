extension PhysicalTopology {
    /// The internal topics and stores whose names were generated, each with what it is and how to name it, in the order of the program.
    ///
    /// Such names hold numbers that count the calls of the program. A call more or less and the app looks for its state under another name. Kafka looks for them when
    /// `ensure.explicit.internal.resource.naming` is set (KIP-1111).
    public func generatedNames() -> [String] {
        subtopologies.flatMap { part in
            part.sourceTopics.filter { isInternal($0) && Self.isGenerated($0) }.map { topic in
                "topic \(topic), between \(writers(of: topic)) and \(readers(of: topic, in: part)): pass named: to the grouping, join or repartition that makes it"
            }
                + part.stores.filter { Self.isGenerated($0.declaration.name) }.map { store in
                    let changelog = if case .own(let topic) = store.changelog { " with topic \(topic)" } else { "" }
                    let name = store.declaration.name
                    return
                        "store \(name)\(changelog), of \(users(of: name, in: part)): give the store a name by in:, or a suppression or foreign-key join by named:"
                }
        } + globalStores.map(\.store.name).filter(Self.isGenerated).map { "global store \($0): give it a name by in:" }
    }

    /// Whether a name has the form of generated ones: `KSTREAM-…-0000000003`, `…-STATE-STORE-0000000003`, with or without something behind.
    static func isGenerated(_ name: String) -> Bool {
        let parts = name.split(separator: "-", omittingEmptySubsequences: false)
        return parts.indices.contains { index in
            guard parts[index].utf8.count == 10, parts[index].utf8.allSatisfy({ (48...57).contains($0) }) else { return false }
            let before = parts[..<index]
            return before.first == "KSTREAM" || before.first == "KTABLE" || before.first == "COGROUPKSTREAM"
                || before.suffix(2) == ["STATE", "STORE"]
        }
    }

    private func writers(of topic: String) -> String {
        let sinks = subtopologies.flatMap(\.nodes).filter { if case .sink(.topic(topic)) = $0.role { true } else { false } }
        return sinks.flatMap(\.parents).joined(separator: ", ")
    }

    private func readers(of topic: String, in part: Subtopology) -> String {
        let sources = part.nodes.filter { if case .source(let topics, _) = $0.role { topics.contains(topic) } else { false } }
        return sources.flatMap(\.children).joined(separator: ", ")
    }

    private func users(of store: String, in part: Subtopology) -> String {
        part.nodes.filter { if case .processor(let stores) = $0.role { stores.contains(store) } else { false } }.map(\.name)
            .joined(separator: ", ")
    }
}
