import MillraceCore

extension LogicalNode {
    /// Writes the node's sources, processors, sinks and stores.
    func write(to builder: inout TopologyBuilder) throws(MillraceError) {
        switch kind {
        case .root: return
        case .source(let source): try write(source, to: &builder)
        case .tableSource(let table): try write(table, to: &builder)
        case .globalTableSource(let table):
            try builder.addGlobalStore(table.store, topic: table.topic, source: table.source, processor: table.processor)
        case .repartition(let repartition): try write(repartition, to: &builder)
        case .streamStreamJoin(let join): try isSelfJoin ? writeSelfJoin(join, to: &builder) : write(join, to: &builder)
        case .steps(let steps): try write(steps, to: &builder)
        }
    }

    private var parentNames: [String] { parents.map(\.name) }

    private func write(_ source: SourceNode, to builder: inout TopologyBuilder) throws(MillraceError) {
        var seen: Set<String> = []
        let topics = source.topics.filter { seen.insert($0).inserted }
        try builder.addSource(name, topics: topics, offsetReset: source.offsetReset, payload: source.payload)
    }

    private func write(_ table: TableSource, to builder: inout TopologyBuilder) throws(MillraceError) {
        try builder.addSource(
            table.source.name, topics: [table.topic], offsetReset: table.offsetReset, payload: table.source.payload)
        try builder.addProcessor(table.processor.name, parents: [table.source.name], payload: table.processor.payload)
        guard let store else { return }
        try builder.addStore(store, processors: [table.processor.name])
        if restoresFromSourceTopic, !store.needsOwnChangelog { builder.useSourceTopic(table.topic, asChangelogOf: store.name) }
    }

    private func write(_ repartition: Repartition, to builder: inout TopologyBuilder) throws(MillraceError) {
        try builder.addInternalTopic(.repartition(repartition.topic, partitions: repartition.partitions))
        var parents = parentNames
        if let filter = repartition.filter {
            try builder.addProcessor(filter.name, parents: parents, payload: filter.payload)
            builder.note(filter.name) { $0.passesNullKeys = passesNullKeys }
            parents = [filter.name]
        }
        try builder.addSink(
            repartition.sink.name, to: .topic(repartition.topic), parents: parents, payload: repartition.sink.payload)
        try builder.addSource(repartition.source.name, topics: [repartition.topic], payload: repartition.source.payload)
    }

    private func write(_ join: StreamStreamJoin, to builder: inout TopologyBuilder) throws(MillraceError) {
        try builder.addProcessor(join.leftJoin.name, parents: [join.leftWindowed], payload: join.leftJoin.payload)
        try builder.addProcessor(join.rightJoin.name, parents: [join.rightWindowed], payload: join.rightJoin.payload)
        try builder.addProcessor(
            join.merge.name, parents: [join.leftJoin.name, join.rightJoin.name], payload: join.merge.payload)
        try builder.addStore(join.leftStore, processors: [join.leftWindowed, join.rightJoin.name])
        try builder.addStore(join.rightStore, processors: [join.rightWindowed, join.leftJoin.name])
        if let outerStore = join.outerStore {
            try builder.addStore(outerStore, processors: [join.leftJoin.name, join.rightJoin.name])
        }
    }

    private func writeSelfJoin(_ join: StreamStreamJoin, to builder: inout TopologyBuilder) throws(MillraceError) {
        try builder.addProcessor(join.merge.name, parents: [join.leftWindowed], payload: join.selfJoinPayload)
        try builder.addStore(join.leftStore, processors: [join.leftWindowed, join.merge.name])
    }

    private func write(_ steps: [PlanStep], to builder: inout TopologyBuilder) throws(MillraceError) {
        var lastProcessor: String?
        for step in steps {
            switch step {
            case .processor(let name, let parents, let stores, let payload):
                try builder.addProcessor(name, parents: parents ?? parentNames, stores: stores, payload: payload)
                builder.note(name) { $0.versionedInputs = versionedInputs }
                lastProcessor = name
            case .source(let name, let topic, let payload): try builder.addSource(name, topics: [topic], payload: payload)
            case .sink(let name, let target, let parents, let payload):
                try builder.addSink(name, to: target, parents: parents ?? parentNames, payload: payload)
            case .internalTopic(let topic): try builder.addInternalTopic(topic)
            case .store(let store, let processors): try builder.addStore(store, processors: processors)
            case .connect(let processor, let stores): try builder.connect(processor, stores: stores)
            case .copartition(let sources): builder.copartition(sources)
            case .requireHistory(let stores, let milliseconds):
                try builder.requireHistory(of: stores, milliseconds: milliseconds)
            }
        }
        if let store, let lastProcessor { try builder.addStore(store, processors: [lastProcessor]) }
    }
}
