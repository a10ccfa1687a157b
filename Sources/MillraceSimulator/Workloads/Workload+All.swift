extension Workload {
    /// All workloads, in an order that seeds rely on.
    static let all: [Workload] = [
        routing, words, windows, sessions, joinOfStreams, enrichment, joinOfTables, foreignKeys, timers, outbox, unreadable, history,
    ]

    static let keys = (0..<7).map { "k\($0)" }

    /// A workload of this name.
    static func named(_ name: String) -> Workload? { all.first { $0.name == name } }
}
