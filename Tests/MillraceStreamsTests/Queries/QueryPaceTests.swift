import Testing

@testable import MillraceStreams

struct PaceTests {
    @Test("Commits for questions come as often as their fixed cost allows")
    func questions() {
        // A commit of half a millisecond, and as much again for each ten of work.
        var pace = QueryPace()
        for _ in 0..<50 { pace.note(took: 500_000 + pace.pause / 10, after: pace.pause) }
        #expect(pace.pause >= 2_000_000 && pace.pause < 20_000_000)
        // Most of a commit is work that has to be done in any case.
        for _ in 0..<50 { pace.note(took: 300_000 + pace.pause * 4 / 10, after: pace.pause) }
        #expect(pace.pause >= 2_000_000 && pace.pause < 6_000_000)
        // A cluster that takes 40 ms.
        for _ in 0..<50 { pace.note(took: 40_000_000, after: pace.pause) }
        #expect(pace.pause == 100_000_000)
    }

    @Test("Slices become short where records take long, and long again")
    func slices() {
        var pace = SlicePace()
        #expect(pace.limit == 4096)
        for _ in 0..<50 { pace.note(pace.limit, took: UInt64(pace.limit) * 100_000) }
        #expect(pace.limit == 40)
        // Of four tasks each has a fourth of the time, of very many a bit of it.
        for _ in 0..<50 { pace.note(pace.limit, took: UInt64(pace.limit) * 10_000, among: 4) }
        #expect(pace.limit == 100)
        for _ in 0..<50 { pace.note(pace.limit, took: UInt64(pace.limit) * 10_000, among: 1000) }
        #expect(pace.limit == 25)
        for _ in 0..<50 { pace.note(pace.limit, took: UInt64(pace.limit) * 10_000_000) }
        #expect(pace.limit == 16)
        // Few records of a longer slice that was allowed say nothing.
        pace.note(1, took: 1)
        #expect(pace.limit == 16)
        for _ in 0..<50 { pace.note(pace.limit, took: 1) }
        #expect(pace.limit == 4096)
    }
}
