import Foundation
import RealKafka
import Testing

/// Several processes of one app on a real broker. `Scripts/kafka-chaos` is the long version, with processes and brokers that are killed and paused at random.
@Suite(.serialized, .enabled(if: RealKafka.isWanted)) struct SharedTasksTests {
    @Test(arguments: ["exactly once", "at least once"]) func processesShareTasksAndHandThemOver(_ guarantee: String) throws {
        let members = try Members(on: SharedBroker.bootstrapServers(), atLeastOnce: guarantee == "at least once")
        defer { members.end() }
        try members.produce(2000)
        let first = try members.start("first")
        let second = try members.start("second")
        try members.waitForCounts(2000)
        // One goes, and the other has all of its tasks and their state.
        end(first)
        try members.produce(2000)
        try members.waitForCounts(4000)
        end(second)
        // Without a crash nothing is repeated, whatever the guarantee.
        try members.check(4000)
    }

    /// A process sleeps for longer than its session, others take its tasks, and it goes on as a new member when it wakes: what it was at is refused.
    @Test func aProcessThatSleptGoesOnAsANewMember() throws {
        let cluster = try RealCluster(settings: [
            "group.streams.min.session.timeout.ms": "1000", "group.streams.min.heartbeat.interval.ms": "500",
        ])
        defer { cluster.stop() }
        let members = try Members(on: cluster.bootstrapServers)
        defer { members.end() }
        try members.produce(2000)
        try cluster.tool(
            "configs", "--alter", "--entity-type", "groups", "--entity-name", members.application, "--add-config",
            "streams.session.timeout.ms=3000,streams.heartbeat.interval.ms=500")
        let first = try members.start("first")
        let second = try members.start("second")
        try members.waitForCounts(2000)
        kill(first.processIdentifier, SIGSTOP)
        try members.produce(2000)
        try members.waitForCounts(4000)
        kill(first.processIdentifier, SIGCONT)
        try waitUntil { try members.log(of: "first").contains("has put this worker out") }
        // The other goes, so that the one that slept must have them all.
        end(second)
        try members.produce(2000)
        try members.waitForCounts(6000)
        end(first)
        try members.check(6000)
    }

    /// The only broker hangs in the middle of commits, for longer than a transaction may take: the process waits for it, idly, and loses and doubles nothing.
    ///
    /// It is not killed: a broker that comes back writes no markers for partitions which have no leader yet (Kafka 4.3.1), and their readers wait for ever.
    @Test func aBrokerThatHangsIsWaitedFor() throws {
        let cluster = try RealCluster()
        defer { cluster.stop() }
        let members = try Members(on: cluster.bootstrapServers)
        defer { members.end() }
        try members.produce(2000)
        let app = try members.start("app")
        try members.waitForCounts(2000)
        try members.produce(20_000)
        try cluster.pause(1)
        let before = processorTime(of: app)
        Thread.sleep(forTimeInterval: 20)
        #expect(processorTime(of: app) - before < 5, "it keeps a processor busy while it waits")
        try cluster.resume(1)
        try members.waitForCounts(22_000)
        end(app)
        try members.check(22_000)
    }

    @Test func oneInstanceEndsThemAll() throws {
        let members = try Members(on: SharedBroker.bootstrapServers())
        defer { members.end() }
        try members.produce(1000)
        let first = try members.start("first")
        let second = try members.start("second", endingAllAfter: 15)
        try members.waitForCounts(1000)
        for process in [first, second] {
            process.waitUntilExit()
            #expect(process.terminationStatus == 0)
        }
        try members.check(1000)
        // Once all have ended the app can be started again.
        let again = try members.start("first")
        try members.produce(1000)
        try members.waitForCounts(2000)
        end(again)
    }

    /// Brokers that have no streams groups, as all before Kafka 4.1.
    @Test(arguments: ["exactly once", "at least once"]) func aClassicGroupSharesTasksToo(_ guarantee: String) throws {
        let cluster = try RealCluster(settings: ["group.coordinator.rebalance.protocols": "classic,consumer"])
        defer { cluster.stop() }
        let members = try Members(
            on: cluster.bootstrapServers, atLeastOnce: guarantee == "at least once",
            settings: "session.timeout.ms=6000 heartbeat.interval.ms=1000")
        defer { members.end() }
        try members.produce(2000)
        let first = try members.start("first")
        let second = try members.start("second")
        let third = try members.start("third")
        try members.waitForCounts(2000)
        #expect(try cluster.tool("consumer-groups", "--describe", "--group", members.application, "--members").contains("-worker-1"))
        // One comes back before anybody has missed it, and one does not.
        end(first)
        let again = try members.start("first")
        kill(third.processIdentifier, SIGKILL)
        try members.produce(2000)
        try members.waitForCounts(4000)
        end(again)
        end(second)
        // The one that was killed had nothing to do at the time.
        try members.check(4000)
    }

    @Test func aTopicThatWasDeletedIsNamed() throws {
        let cluster = try RealCluster()
        defer { cluster.stop() }
        let members = try Members(on: cluster.bootstrapServers)
        defer { members.end() }
        try members.produce(200)
        let app = try members.start("app")
        try members.waitForCounts(200)
        try cluster.tool("topics", "--delete", "--topic", members.prefix + "numbers")
        app.waitUntilExit()
        #expect(app.terminationStatus == 1)
        let said = try members.log(of: "app").split(separator: "\n").last ?? ""
        #expect(said.contains(members.prefix + "numbers"), "\(said)")
    }

    private func end(_ process: Process) {
        process.terminate()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
    }

    private func waitUntil(_ condition: () throws -> Bool) throws {
        for _ in 0..<600 where try !condition() { Thread.sleep(forTimeInterval: 0.1) }
        #expect(try condition())
    }

    /// In seconds; nothing where the system does not tell it as Linux does.
    private func processorTime(of process: Process) -> Double {
        let fields = (try? String(contentsOfFile: "/proc/\(process.processIdentifier)/stat", encoding: .utf8))?.split(separator: " ") ?? []
        return fields.count > 14 ? ((Double(fields[13]) ?? 0) + (Double(fields[14]) ?? 0)) / 100 : 0
    }
}
