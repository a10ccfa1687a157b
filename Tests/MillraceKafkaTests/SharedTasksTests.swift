import Foundation
import RealKafka
import Testing

/// Several processes of one app on a real broker. `Scripts/kafka-chaos` is the long version, with processes and brokers that are killed and paused.
@Suite(.serialized, .enabled(if: RealKafka.isWanted)) struct SharedTasksTests {
    @Test(arguments: ["exactly once", "at least once"]) func processesShareTasksAndHandThemOver(_ guarantee: String) throws {
        let servers = try SharedBroker.bootstrapServers()
        let members = try Members(of: servers, environment: guarantee == "at least once" ? ["AT_LEAST_ONCE": "1"] : [:])
        defer { members.end() }
        #expect(try members.succeeds("produce", "2000", "4"))
        let first = try members.run("first")
        let second = try members.run("second")
        #expect(try members.succeeds("await", "2000", "120"))
        // One goes, and the other has all of its tasks and their state.
        #expect(Members.stops(first))
        #expect(try members.succeeds("produce", "2000", "4"))
        #expect(try members.succeeds("await", "4000", "120"))
        #expect(Members.stops(second))
        // Without a crash nothing is repeated, whatever the guarantee.
        #expect(try members.succeeds("check", "4000"))
    }

    @Test func oneInstanceEndsThemAll() throws {
        let members = try Members(of: SharedBroker.bootstrapServers(), environment: [:])
        defer { members.end() }
        #expect(try members.succeeds("produce", "1000", "4"))
        let first = try members.run("first")
        let second = try members.run("second", ["END_EVERYWHERE_AFTER": "15"])
        #expect(try members.succeeds("await", "1000", "120"))
        first.waitUntilExit()
        second.waitUntilExit()
        #expect(first.terminationStatus == 0 && second.terminationStatus == 0)
        #expect(try members.succeeds("check", "1000"))
        // Once all have ended the app can be started again.
        let again = try members.run("first")
        #expect(try members.succeeds("produce", "1000", "4"))
        #expect(try members.succeeds("await", "2000", "120"))
        #expect(Members.stops(again))
    }

    /// Brokers that have no streams groups, as all before Kafka 4.1.
    @Test(arguments: ["exactly once", "at least once"]) func aClassicGroupSharesTasksToo(_ guarantee: String) throws {
        let cluster = try RealCluster(settings: ["group.coordinator.rebalance.protocols": "classic,consumer"])
        defer { cluster.stop() }
        var environment = ["SETTINGS": "session.timeout.ms=6000 heartbeat.interval.ms=1000"]
        if guarantee == "at least once" { environment["AT_LEAST_ONCE"] = "1" }
        let members = try Members(of: cluster.bootstrapServers, environment: environment)
        defer { members.end() }
        #expect(try members.succeeds("produce", "2000", "6"))
        let first = try members.run("first")
        let second = try members.run("second")
        let third = try members.run("third")
        #expect(try members.succeeds("await", "2000", "120"))
        #expect(try cluster.tool("consumer-groups", "--describe", "--group", members.application, "--members").contains("-worker-1"))
        // One comes back before anybody has missed it, and one does not.
        #expect(Members.stops(first))
        let again = try members.run("first")
        kill(third.processIdentifier, SIGKILL)
        #expect(try members.succeeds("produce", "2000", "6"))
        #expect(try members.succeeds("await", "4000", "120"))
        #expect(Members.stops(again))
        #expect(Members.stops(second))
        // The one that was killed had nothing to do at the time.
        #expect(try members.succeeds("check", "4000"))
    }
}
