import MillraceCore

/// What happened between two looks at an app's metrics, in one line: what a person on call wants to know first.
struct AppReport {
    /// `nil`: the start.
    private let from: AppMetrics?
    private let to: AppMetrics
    private let seconds: Double

    init(from: AppMetrics?, to: AppMetrics, over duration: Duration) {
        self.from = from
        self.to = to
        seconds = max(0.001, duration.inSeconds)
    }

    func log(to logger: MillraceLogger) {
        guard logger.level <= .info else { return }
        logger.log(
            .info, "The app is \(to.state.rawValue)",
            ("records/s", "\(Int(Double(to.processedRecords - (from?.processedRecords ?? 0)) / seconds))"),
            ("lag", to.lag.map { "\($0)" } ?? "unknown"), ("latency ms", number(latency)), ("commit ms", number(commitTime)),
            ("restoring", "\(to.recordsToRestore)"), ("dropped", "\(dropped)"), ("memory MB", memory))
    }

    /// From timestamp to commit, on average, in milliseconds.
    private var latency: Double? {
        func sum(_ metrics: AppMetrics?) -> (records: Int, milliseconds: Double) {
            (metrics?.tasks ?? []).reduce((0, 0)) { ($0.0 + $1.latency.records, $0.1 + $1.latency.milliseconds) }
        }
        let (old, new) = (sum(from), sum(to))
        return new.records > old.records ? (new.milliseconds - old.milliseconds) / Double(new.records - old.records) : nil
    }

    /// Of a commit, on average, in milliseconds.
    private var commitTime: Double? {
        func sum(_ metrics: AppMetrics?) -> (count: Int, seconds: Double) {
            (metrics?.workers ?? []).reduce((0, 0)) { ($0.0 + $1.commits.count, $0.1 + $1.commits.seconds) }
        }
        let (old, new) = (sum(from), sum(to))
        return new.count > old.count ? (new.seconds - old.seconds) * 1000 / Double(new.count - old.count) : nil
    }

    /// In the time between, with the most frequent reason.
    private var dropped: String {
        let reasons = to.droppedRecords.map { (reason: $0.key, count: $0.value - (from?.droppedRecords[$0.key] ?? 0)) }
        let total = reasons.reduce(0) { $0 + $1.count }
        guard total > 0, let worst = reasons.max(by: { ($0.count, $1.reason.rawValue) < ($1.count, $0.reason.rawValue) }) else {
            return "0"
        }
        return "\(total) (\(worst.count) \(worst.reason.rawValue))"
    }

    private var memory: String {
        let used = "\(to.memory.usedBytes >> 20) of \(to.memory.budget >> 20)"
        return to.memory.processBytes.map { "\(used), process \($0 >> 20)" } ?? used
    }

    /// With one digit behind the point.
    private func number(_ value: Double?) -> String {
        guard let value, value < 1e15 else { return "-" }
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}
