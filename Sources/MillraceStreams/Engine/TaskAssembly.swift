import MillraceCore
import MillracePlan

/// Makes the nodes of a task, those behind first, so that each gets its finished outputs.
struct TaskAssembly {
    private let context: TaskContext

    init(_ context: TaskContext) {
        self.context = context
    }

    /// - Returns: The entry of the task for each topic, by the topic's full name.
    func assemble(_ subtopology: Subtopology) throws -> [(topic: String, reset: OffsetReset?, source: TaskSource)] {
        var inputs: [String: NodeInput] = [:]
        var sources: [(topic: String, reset: OffsetReset?, source: TaskSource)] = []
        let internalTopics = Set(subtopology.internalTopics.map(\.name))
        for node in subtopology.nodes.reversed() {
            let assembly = NodeAssembly(
                name: node.name, task: context, passesNullKeys: node.passesNullKeys, versionedInputs: node.versionedInputs,
                children: try node.children.map { child in
                    guard let input = inputs[child] else {
                        throw MillraceError(.topology, "\(node.name) sends to \(child), which comes before it.", node: node.name)
                    }
                    return (child, input)
                })
            switch (node.role, node.payload) {
            case (.source(let topics, let reset), let payload as SourcePayload):
                let source = try payload.assemble(assembly)
                for topic in topics {
                    let topic = internalTopics.contains(topic) ? context.internalTopic(topic) : topic
                    sources.append((topic, reset, context.tracer.map { source.traced(by: $0, topic: topic, in: context) } ?? source))
                }
            case (_, let payload as NodePayload):
                inputs[node.name] = try payload.assemble(assembly)
            default:
                throw MillraceError(.topology, "\(node.name) was not made by a StreamsBuilder and cannot be run.", node: node.name)
            }
        }
        return sources.reversed()
    }
}
