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
}
