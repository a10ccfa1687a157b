import BenchmarkScenarios
import Millrace
import MillraceStreams

/// The overlay of rows that every stateful operator goes through, by way of the store that an app sees.
enum StoreBenchmarks {
    private static let keys = (0..<5000).map { "key-\($0)" }

    static var all: [MicroBenchmark] {
        [
            MicroBenchmark("store-get-and-put", operations: keys.count) {
                let (task, store) = try make()
                return { try withExtendedLifetime(task) { try countAll(in: store) } }
            },
            MicroBenchmark("store-get-put-and-commit", operations: keys.count) {
                let (task, store) = try make()
                return {
                    try countAll(in: store)
                    try task.work()
                }
            },
        ]
    }

    private static func make() throws -> (MicroTask, KeyValueStore<String, Int64>) {
        let task = try MicroTask(try Scenario.wordcountKeyed.topology(["words"], "out"))
        return (task, try task.store("store"))
    }

    private static func countAll(in store: KeyValueStore<String, Int64>) throws {
        for key in keys { try store.put(key, (try store.get(key) ?? 0) + 1) }
    }
}
