import MillraceCore
import MillraceStreams
import MillraceTestKit
import Testing

@Suite struct SessionWindowTests {
    @Test func sessionsGrowAndMergeWithTombstones() throws {
        let (driver, sent) = try TimeWindowTests.run([
            ("a", "x", 10), ("a", "x", 20), ("a", "x", 13), ("b", "x", 40), ("a", "x", 14), (nil, "x", 50),
        ]) {
            $0.windowedBy(SessionWindows(gap: .milliseconds(5), grace: .milliseconds(10))).count(in: "counts")
        }
        #expect(
            sent == [
                "a@10-10=1 10", "a@20-20=1 20", "a@10-10=nil 10", "a@10-13=2 13", "b@40-40=1 40",
            ])
        #expect(driver.droppedRecords == [.late: 1, .nullKey: 1])
        // Key, end, start.
        let changelog = driver.writtenRecords(of: "test-counts-changelog")
        #expect(changelog[0].key == [97] + [0, 0, 0, 0, 0, 0, 0, 10] + [0, 0, 0, 0, 0, 0, 0, 10])
        #expect(changelog.map { $0.value == nil } == [false, false, true, false, false])
    }

    @Test func aRecordInBetweenJoinsTwoSessions() throws {
        let (driver, sent) = try TimeWindowTests.run([("a", "x", 10), ("a", "x", 20), ("a", "x", 15)]) {
            $0.windowedBy(SessionWindows(gap: .milliseconds(5), grace: .milliseconds(100))).count(in: "counts")
        }
        #expect(sent.suffix(3) == ["a@10-10=nil 10", "a@20-20=nil 20", "a@10-20=3 20"])
        let store: SessionStore<String, Int64> = try driver.store("counts")
        #expect(try store.all().map { "\($0.key)=\($0.value)" } == ["a@10-20=3"])
        #expect(try store.fetch("a").map(\.value) == [3])
        #expect(try store.findSessions("a", endingFrom: 21, startingUntil: 100).isEmpty)
        #expect(try store.findSessions("a", endingFrom: 20, startingUntil: 9).isEmpty)
        #expect(try store.fetch("a", Window(start: 10, end: 20)) == 3)
    }

    @Test func aSinglePointIsUpdatedWithoutTombstone() throws {
        let (_, sent) = try TimeWindowTests.run([("a", "x", 10), ("a", "x", 10)]) {
            $0.windowedBy(SessionWindows(gap: .milliseconds(5))).count(in: "counts")
        }
        #expect(sent == ["a@10-10=1 10", "a@10-10=2 10"])
    }

    @Test func longerKeysAreOtherKeys() throws {
        let (_, sent) = try TimeWindowTests.run([("a\0", "x", 1), ("a", "x", 1), ("a\0\0\0\0\0\0\0\0\0", "x", 2), ("a", "x", 2)]) {
            $0.windowedBy(SessionWindows(gap: .milliseconds(5))).count(in: "counts")
        }
        #expect(sent.suffix(2) == ["a@1-1=nil 1", "a@1-2=2 2"])
    }

    @Test func closedSessionsAreSentOnceByTheirEnd() throws {
        let (_, sent) = try TimeWindowTests.run([
            ("b", "x", 0), ("a", "x", 1), ("a", "x", 3), ("c", "x", 30), ("c", "x", 31), ("z", "x", 90),
        ]) {
            $0.windowedBy(SessionWindows(gap: .milliseconds(5), grace: .milliseconds(2)), emit: .onWindowClose).count(in: "counts")
        }
        #expect(sent == ["b@0-0=1 0", "a@1-3=2 3", "c@30-31=2 31"])
    }
}
