import Millrace
import MillraceTestKit
import Testing

/// How many pages each user saw in each visit, and which.
func visits() throws -> Topology {
    let builder = StreamsBuilder()
    let clicks = builder.stream("clicks", key: .string, value: Click.serde).groupByKey()
    clicks
        .windowedBy(SessionWindows(gap: .seconds(30 * 60)))
        .count(in: "visits")
        .toStream()
        .compactMapValues { $0 }
        .map { visit, pages in (visit.key, "\(pages) pages until \(visit.window.end)") }
        .to("visits")
    clicks
        .windowedBy(SessionWindows(gap: .seconds(30 * 60)), emit: .onWindowClose)
        .aggregate(
            [String](), in: .persistent("trails", retention: .seconds(7 * 86_400)), value: .json(),
            merging: { _, first, second in first + second }
        ) { _, click, trail in
            trail + [click.page]
        }
        .toStream { visit, _ in visit.key }
        .to("trails")
    return try builder.build()
}

@Suite struct VisitsTests {
    @Test func aLongGapBeginsAVisit() throws {
        let driver = try TopologyTestDriver(visits())
        let clicks = driver.input("clicks", key: .string, value: Click.serde)
        try clicks.pipe("ada", Click(page: "/"), at: 0)
        try clicks.pipe("ada", Click(page: "/tea"), at: 1000)
        try clicks.pipe("ada", Click(page: "/cups"), at: 7_200_000)
        let visits = driver.output("visits", key: .string, value: .string)
        #expect(try visits.readAll().last?.value == "1 pages until 7200000")
        let trails = driver.output("trails", key: .string, value: .json([String].self))
        #expect(try trails.readAll().map(\.value) == [["/", "/tea"]])
    }
}
