import MillraceCore
import MillraceStreams
import MillraceTestKit

/// The application id that the suite's results were made with: bytes of some stores contain it.
let applicationID = "conformance"

/// What a case did here, in the form of what is expected.
struct Outcome {
    var expected = Expected()
    var shape: Case.Shape?
    /// The kind and message of the error, if there was one.
    var failure: (any Error)?
    var describe: String?
    /// The description of the optimised topology, or the error instead.
    var describeOptimized: Result<String, any Error>?
    var internalTopics: [String: ExpectedTopic]?
}

extension Case {
    /// Builds the program, runs the inputs through it in the test driver, and looks at everything that the case knows of.
    ///
    /// - Throws: `BadProgram`; errors that a topology throws are part of the outcome.
    func run() throws -> Outcome {
        var outcome = Outcome()
        let program = ProgramBuilder(config)
        try program.add(self.program)
        let topology: Topology
        let driver: TopologyTestDriver
        do {
            topology = try program.builder.build()
            driver = try TopologyTestDriver(topology, applicationID: applicationID)
        } catch {
            outcome.failure = error
            outcome.expected = Expected(error: error.code, phase: "build")
            return outcome
        }
        for (place, event) in inputs.enumerated() {
            do { try driver.apply(event) } catch {
                outcome.failure = error
                outcome.expected = Expected(error: "RUNTIME", phase: "run", at: place)
                return outcome
            }
        }
        outcome.shape = topology.shape(external: program.externalTopics)
        outcome.expected.outputs = try driver.outputRecords()
        outcome.expected.stores = try driver.storeContents(of: program.namedStores, inputs)
        if describe != nil {
            outcome.describe = topology.describe()
            outcome.describeOptimized = Result { try optimizedDescription() }
        }
        if internalTopics != nil { outcome.internalTopics = driver.internalTopicContents(of: topology) }
        return outcome
    }

    private func optimizedDescription() throws -> String {
        let program = ProgramBuilder(config)
        try program.add(self.program)
        return try program.builder.build(optimizations: .all).describe()
    }
}

extension Error {
    /// The suite's code of an error while building.
    fileprivate var code: String {
        (self as? MillraceError)?.kind == .topology ? "TOPOLOGY" : "ARGUMENT"
    }
}

extension TopologyTestDriver {
    fileprivate func apply(_ event: Event) throws {
        if let step = event.advanceWallClock { return try advanceWallClock(by: .milliseconds(step)) }
        guard let topic = event.topic, let time = event.ts else { throw BadProgram("an event without topic or time") }
        var headers = Headers()
        for header in event.headers ?? [] where header.count == 2 {
            headers.append(Header(header[0] ?? "", header[1].map { Array($0.utf8) }))
        }
        try input(topic, key: Serde.string.optional, value: Serde.string.optional).pipe(
            event.key, event.value, at: Timestamp(milliseconds: time), headers: headers)
    }

    /// The records of all topics that are not internal, as text.
    fileprivate func outputRecords() throws -> [String: [OutputRecord]] {
        var outputs: [String: [OutputRecord]] = [:]
        for topic in writtenTopics() {
            outputs[topic] = writtenRecords(of: topic).map { record in
                OutputRecord(
                    key: record.key?.text, value: record.value?.text, ts: record.timestamp.milliseconds,
                    headers: record.headers.isEmpty ? nil : record.headers.map { [$0.name, $0.value?.text] })
            }
        }
        return outputs
    }
}

extension [UInt8] {
    fileprivate var text: String { String(decoding: self, as: UTF8.self) }
}

extension Topology {
    fileprivate func shape(external: Set<String>) -> Case.Shape {
        Case.Shape(
            subtopologies: plan.subtopologies.count, globalStores: plan.globalStores.count,
            internalTopics: plan.internalTopics.keys.filter { !external.contains($0) }.sorted { $0.precedesInBytes($1) })
    }
}
