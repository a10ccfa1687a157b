import MillraceCore
import Testing

@testable import MillraceKafka

/// How the partitions of a classic group become tasks.
@Suite struct ClassicGroupTests {
    private static let partitions: [String: Int32] = ["a": 3, "b": 3, "big": 5, "app-r-repartition": 4]

    private func leading() throws -> LeadingTopics {
        let parts = [
            GroupDeclaration.Subtopology(
                id: 0, sourceTopics: ["b", "a"], repartitionSourceTopics: [], repartitionSinkTopics: [], changelogTopics: [],
                copartitionGroups: [["a", "b"]]),
            GroupDeclaration.Subtopology(
                id: 3, sourceTopics: ["big"], repartitionSourceTopics: [TopicSpecification("app-r-repartition", partitions: 0)],
                repartitionSinkTopics: [], changelogTopics: [], copartitionGroups: []),
        ]
        return try LeadingTopics(of: GroupDeclaration(subtopologies: parts, processID: TopicID(high: 0, low: 1))) {
            ClassicGroupTests.partitions[$0]
        }
    }

    @Test func theLargestTopicOfASubtopologyLeads() throws {
        #expect(try leading().topics == ["a", "big"])
        #expect(try leading().task(of: TopicPartition("a", 2)) == TaskID(subtopology: 0, partition: 2))
        #expect(try leading().task(of: TopicPartition("big", 4)) == TaskID(subtopology: 3, partition: 4))
    }

    @Test func whatDoesNotFitIsSaid() throws {
        for (partition, phrase) in [(TopicPartition("a", 3), "now has more"), (TopicPartition("b", 0), "application id")] {
            let error = #expect(throws: MillraceError.self) { try leading().task(of: partition) }
            #expect(error?.kind == .configuration && error?.message.contains(phrase) == true)
        }
        let gone = GroupDeclaration.Subtopology(
            id: 0, sourceTopics: ["gone"], repartitionSourceTopics: [], repartitionSinkTopics: [], changelogTopics: [],
            copartitionGroups: [])
        let declaration = GroupDeclaration(subtopologies: [gone], processID: TopicID(high: 0, low: 1))
        #expect(throws: MillraceError.self) { try LeadingTopics(of: declaration) { ClassicGroupTests.partitions[$0] } }
    }

    @Test func aGenerationIsReadOrIsNone() {
        func read(_ bytes: [UInt8]) -> Int32? { bytes.withUnsafeBytes { ConsumerGeneration.read($0) } }
        let magic = Array("CGMDv2:".utf8)
        #expect(read(magic + withUnsafeBytes(of: Int32(7)) { Array($0) } + [0, 0]) == 7)
        #expect(read(magic + withUnsafeBytes(of: Int32(-1)) { Array($0) }) == nil)
        #expect(read(magic + [1, 2, 3]) == nil)
        #expect(read(Array("CGMDv3:".utf8) + [1, 0, 0, 0]) == nil)
        #expect(read([]) == nil)
    }
}
