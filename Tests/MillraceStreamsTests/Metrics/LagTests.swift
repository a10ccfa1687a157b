import MillraceCore
import Testing

@testable import MillraceStreams

@Suite struct LagTests {
    /// What was fetched last is no end where nothing is fetched any more; it only says that there is at least as much.
    @Test(arguments: [(5, nil), (7, 2)] as [(Int64, Int64?)])
    func lagIsNotKnownWhileNobodyTellsTheEnd(_ fetched: Int64, _ lag: Int64?) {
        let board = MetricsBoard()
        let partition = TopicPartition("in", 0)
        var figures = MetricsBoard.Figures(worker: WorkerMetrics(number: 0))
        figures.ends = [partition: Offset(fetched)]
        board.publish(figures, now: 0)
        let metrics = board.snapshot(of: "app", in: .running, threads: 1, budget: 1, committed: [partition: 5], now: 0) { _ in nil }
        #expect(metrics.lag == lag && metrics.inputs.map(\.lag) == [lag])
        #expect(metrics.families.first { $0.name == "millrace.consumer.lag" }?.samples.count == (lag == nil ? 0 : 1))
    }
}
