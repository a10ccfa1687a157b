import MillraceCore
import MillraceStreams
import MillraceTestKit
import Testing

@Suite struct SlidingWindowTests {
    @Test func everySetOfNeighboursHasAWindow() throws {
        let (_, sent) = try TimeWindowTests.run([("a", "x", 20), ("a", "x", 25), ("a", "x", 40), ("a", nil, 41)]) {
            $0.windowedBy(SlidingWindows(difference: .milliseconds(10), grace: .milliseconds(50))).count(in: "counts")
        }
        // 20 alone, then 25 alone and with 20, then 40.
        #expect(sent == ["a@10-20=1 20", "a@21-31=1 25", "a@15-25=2 25", "a@30-40=1 40"])
    }

    @Test func anOlderRecordMakesItsRightWindow() throws {
        let (_, sent) = try TimeWindowTests.run([("a", "x", 25), ("a", "x", 20)]) {
            $0.windowedBy(SlidingWindows(difference: .milliseconds(10), grace: .milliseconds(50))).count(in: "counts")
        }
        #expect(sent == ["a@15-25=1 25", "a@15-25=2 25", "a@10-20=1 20", "a@21-31=1 25"])
    }

    @Test func recordsNearTimeZeroShareAWindow() throws {
        let (_, sent) = try TimeWindowTests.run([("a", "x", 2), ("a", "x", 5)]) {
            $0.windowedBy(SlidingWindows(difference: .milliseconds(10))).count(in: "counts")
        }
        #expect(sent == ["a@0-10=1 2", "a@3-13=1 5", "a@0-10=2 5"])
    }

    @Test func lateRecordsAreDropped() throws {
        let (driver, sent) = try TimeWindowTests.run([("a", "x", 100), ("a", "x", 20)]) {
            $0.windowedBy(SlidingWindows(difference: .milliseconds(10))).count(in: "counts")
        }
        #expect(sent.count == 1)
        #expect(driver.droppedRecords == [.late: 1])
    }

    @Test func noDifferenceFailsOnTheFirstRecord() throws {
        #expect {
            try TimeWindowTests.run([("a", "x", 1)]) { $0.windowedBy(SlidingWindows(difference: .zero)).count(in: "counts") }
        } throws: {
            ($0 as? MillraceError)?.kind == .configuration
        }
    }
}
