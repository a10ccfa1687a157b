import Testing

@testable import MillraceKafka

/// What is made of a partition of which nothing comes, with times in seconds.
@Suite struct QuietTests {
    private var quiet = Quiet()

    /// Looks, and answers the question that follows if the partition is quiet.
    private mutating func pass(
        _ second: UInt64, at position: Int64, waits: Bool = true, committed: Int64? = nil, written: Int64? = nil
    ) -> Quiet.Finding? {
        let now = second * 1_000_000_000
        quiet.look(at: position, waits: waits, now: now)
        guard quiet.isQuiet(now: now), let committed else { return nil }
        return quiet.take(Quiet.End(committed: committed, written: written), askedAt: position, now: now)
    }

    @Test func recordsThatDoNotComeAreAStandstill() {
        var test = self
        var found: [UInt64: Quiet.Finding] = [:]
        for second in 1...120 { found[UInt64(second)] = test.pass(UInt64(second), at: 7, committed: 9) }
        // Quiet from second 1, behind from 6 on; then with twice the patience.
        #expect(
            found == [
                21: .standsStill(end: 9, nanoseconds: 20_000_000_000), 52: .standsStill(end: 9, nanoseconds: 51_000_000_000),
                113: .standsStill(end: 9, nanoseconds: 112_000_000_000),
            ])
    }

    @Test func whatMovesIsPausedOrIsNotTakenYetDoesNotStandStill() {
        for waits in [true, false] {
            var test = self
            for second in 1...120 {
                #expect(test.pass(UInt64(second), at: waits ? Int64(second / 15) : 7, waits: waits, committed: 100) == nil)
            }
        }
    }

    @Test func anAnswerOfAnotherPositionSaysNothing() {
        var test = self
        for second in 1...30 { _ = test.pass(UInt64(second), at: 7, committed: 7) }
        for second in 31...120 {
            test.quiet.look(at: 7, waits: true, now: UInt64(second) * 1_000_000_000)
            #expect(test.quiet.take(Quiet.End(committed: 9), askedAt: 6, now: UInt64(second) * 1_000_000_000) == nil)
        }
    }

    @Test func thePatienceIsThatOfTheBeginningOnceItHasMoved() {
        var test = self
        for second in 1...21 { _ = test.pass(UInt64(second), at: 7, committed: 9) }
        #expect((22...42).compactMap { test.pass(UInt64($0), at: 8, committed: 9) } == [.standsStill(end: 9, nanoseconds: 20_000_000_000)])
    }

    @Test func anOpenTransactionIsSaidAfterAWhile() {
        var test = self
        var found: [UInt64: Quiet.Finding] = [:]
        for second in 1...100 { found[UInt64(second)] = test.pass(UInt64(second), at: 7, committed: 7, written: 9) }
        #expect(
            found == [
                36: .isHeldBack(end: 9, nanoseconds: 30_000_000_000), 66: .isHeldBack(end: 9, nanoseconds: 60_000_000_000),
            ])
        #expect((101...200).allSatisfy { test.pass(UInt64($0), at: 7, committed: 7, written: 7) == nil }, "it is at its end")
    }
}
