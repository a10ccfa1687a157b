/// Tells how an app is, now and then: a line in the log, and the metrics to whoever asked for them.
struct Reports {
    private var interval: Interval
    private let start: UInt64
    private var last: (metrics: AppMetrics, time: UInt64)?

    init(every interval: Duration?, from now: UInt64) {
        self.interval = Interval(interval, from: now)
        start = now
    }

    func timeLeft(_ now: UInt64) -> Duration { interval.timeLeft(now) }

    /// Reports if it is time. The metrics are asked for only then.
    mutating func runIfDue(_ now: UInt64, _ configuration: StreamsConfiguration, _ metrics: () -> AppMetrics) {
        guard interval.isDue(now), configuration.onMetrics != nil || configuration.logger.level <= .info else { return }
        let metrics = metrics()
        configuration.onMetrics?(metrics)
        AppReport(from: last?.metrics, to: metrics, over: .nanoseconds(Int64(now - (last?.time ?? start)))).log(to: configuration.logger)
        last = (metrics, now)
    }

    /// Hands over the last metrics of a run.
    func finish(_ configuration: StreamsConfiguration, _ metrics: () -> AppMetrics) {
        configuration.onMetrics?(metrics())
    }
}
