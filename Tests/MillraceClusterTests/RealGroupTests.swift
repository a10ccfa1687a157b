import Foundation
import MillraceCore
import MillraceFormats
import RealKafka
import Synchronization
import Testing

@testable import MillraceCluster

/// Members of a streams group on a real broker.
@Suite(.serialized) struct RealGroupTests {
    @Test(.enabled(if: RealKafka.isWanted)) func tasksAreSharedOutMovedAndGivenBack() throws {
        let broker = try RealCluster()
        defer { broker.stop() }
        try broker.tool("topics", "--create", "--topic", "in", "--partitions", "4")
        let cluster = try Cluster(bootstrapServers: broker.bootstrapServers, settings: [:])
        #expect(try cluster.supportsStreamsGroups())
        let ids = try cluster.topicIDs(of: ["in", "nowhere"])
        #expect(Set(ids.keys) == ["in"])
        let described = try broker.tool("topics", "--describe", "--topic", "in")
        #expect(described.contains("TopicId: \(try #require(ids["in"]).text)"))
        let partitions = (0..<4).map { TopicPartition("in", $0) }
        #expect(try cluster.offsetRanges(of: partitions)[partitions[3]] == Offset(0)..<Offset(0))

        func join(process: UInt64) throws -> StreamsGroupMembership {
            let part = GroupDeclaration.Subtopology(
                id: 0, sourceTopics: ["in"], repartitionSourceTopics: [], repartitionSinkTopics: [],
                changelogTopics: [TopicSpecification("app-store-changelog", partitions: 0, settings: ["cleanup.policy": "compact"])],
                copartitionGroups: [["in"]])
            let declaration = GroupDeclaration(subtopologies: [part], processID: TopicID(high: 7, low: process))
            return try cluster.joinStreamsGroup("app", memberID: UUID().uuidString, declaration, logger: .silent) {}
        }
        let all = Set((0..<4).map { TaskID(subtopology: 0, partition: $0) })
        let first = try join(process: 1)
        #expect(try follow(first, until: { $0.active == all }).active == all)
        #expect(try cluster.topicIDs(of: ["app-store-changelog"]).count == 1, "the broker makes the changelog")

        let second = try join(process: 2)
        let kept = try follow(first, until: { $0.active.count == 2 }).active
        let moved = try follow(second, until: { $0.active.count == 2 }).active
        #expect(kept.union(moved) == all && kept.isDisjoint(with: moved))
        let members = try broker.tool("streams-groups", "--describe", "--group", "app", "--members")
        #expect(members.contains(first.memberID) && members.contains(second.memberID), "\(members)")
        #expect(first.memberEpoch != nil)

        second.leave()
        second.leave()
        #expect(try follow(first, until: { $0.active == all }).active == all)
        first.leave()
        #expect(first.memberEpoch == nil)
    }

    /// Does what a worker does: takes what is assigned, and says so.
    private func follow(_ membership: StreamsGroupMembership, until isWanted: (TaskAssignment) -> Bool) throws -> TaskAssignment {
        var held = TaskAssignment()
        for _ in 0..<600 {
            if let assignment = try membership.changedAssignment() {
                held = assignment
                membership.report(held, positions: [:])
                if isWanted(held) { return held }
            }
            ClusterConnection.pause(milliseconds: 50)
        }
        Issue.record("the assignment that is waited for did not come; the last is \(held)")
        return held
    }
}
