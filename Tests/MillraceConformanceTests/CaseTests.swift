import Foundation
import MillraceConformance
import Testing

/// The cases of `Cases/`, whose results are those of Kafka Streams.
@Suite struct CaseTests {
    private static let files: [String] = {
        guard let folder = Bundle.module.resourceURL?.appendingPathComponent("Cases") else { return [] }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { $0.hasSuffix(".jsonl") }.sorted().map { folder.appendingPathComponent($0).path }
    }()

    @Test func thereAreCases() {
        #expect(Self.files.count >= 20)
    }

    @Test(arguments: files)
    func equalsKafkaStreams(_ file: String) throws {
        let verdicts = try CaseFile(file).verdicts()
        #expect(!verdicts.isEmpty)
        for verdict in verdicts where verdict.reason != nil {
            Issue.record("\(verdict.name): \(verdict.reason ?? "")")
        }
    }

    /// A part of a case, and something else in its place.
    @Test(arguments: [
        ("\"outputs\":{\"out1\"", "\"outputs\":{\"out2\""), ("\"describe\":\"Topologies", "\"describe\":\"Topology"),
        ("\"cleanup.policy\":\"compact\"", "\"cleanup.policy\":\"delete\""), ("\"v\":\"", "\"v\":\"AAAA"),
        ("\"subtopologies\":", "\"subtopologies\":1"),
    ])
    func noticesWhatDiffers(_ part: String, _ other: String) throws {
        let file = try #require(Self.files.first { $0.hasSuffix("/aggregate.jsonl") })
        let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
        let line = try #require(lines.last)
        try #require(line.contains(part))
        let copy = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).jsonl")
        defer { try? FileManager.default.removeItem(at: copy) }
        try line.replacingOccurrences(of: part, with: other).write(to: copy, atomically: true, encoding: .utf8)
        #expect(try CaseFile(copy.path).verdicts().map { $0.reason == nil } == [false])
    }
}
