import MillraceCore
import MillraceFormats
import MillraceLog
import MillraceTestKit

/// Compares what a simulation left with what it must be.
struct Checker {
    private let plan: SimulationPlan
    private let disk: SimulatedFileSystem
    private let database: SimulatedDatabase
    private let expected: [String: Workload.Lists]

    /// - Parameter expected: What the outputs must hold.
    init(_ plan: SimulationPlan, _ disk: SimulatedFileSystem, _ database: SimulatedDatabase, expected: [String: Workload.Lists]) {
        self.plan = plan
        self.disk = disk
        self.database = database
        self.expected = expected
    }

    func check(_ inputs: [SimulatedInput], _ report: inout SimulationReport) throws {
        try checkLog(inputs, &report)
        let live = try StateRows.of(database, plan.workload)
        // The state as its changelogs tell it: an app that has lost its own makes it anew.
        let restored = SimulatedDatabase()
        let machine = SimulatedMachine(
            disk: disk, database: restored, clock: SimulatedClock(start: Workload.startOfTime), seed: plan.seed)
        let app = SimulatedApp(plan, SimulationPlan.Life(), inputs, Promises(), on: machine)
        if !app.live() {
            report.faults.append("The app did not start without its state.")
            report.said.append(app.journal.withLock { $0 })
            report.calls.append(0)
        }
        let rebuilt = try StateRows.of(restored, plan.workload)
        for (store, rows) in live where rebuilt[store] ?? [] != rows {
            report.faults.append("Store \(store) is not what its changelog says: \(difference(rows, rebuilt[store] ?? []))")
        }
        // And it has written nothing more.
        try checkLog(inputs, &report)
    }

    private func checkLog(_ inputs: [SimulatedInput], _ report: inout SimulationReport) throws {
        let log = try EmbeddedLog.open(
            at: "/log",
            options: EmbeddedLogOptions(durability: .system, fileSystem: disk, clock: SimulatedClock(start: 0), housekeeping: nil))
        for (topic, comparison) in plan.workload.outputs.sorted(by: { $0.key < $1.key }) {
            compare(
                comparison.compared(Workload.lists(try records(of: topic, log))), comparison.compared(expected[topic] ?? [:]), topic,
                &report)
        }
        let read = Dictionary(grouping: inputs) { TopicPartition($0.topic, $0.partition) }
        let offsets = try log.committedOffsets(of: SimulatedApp.id, for: Array(read.keys))
        for (partition, records) in read.sorted(by: { $0.key < $1.key }) {
            let end = Int64(records.count)
            if try log.offsetRange(of: partition).upperBound.value != end {
                report.faults.append("\(partition) does not hold its \(end) inputs.")
            }
            if offsets[partition]?.offset.value != end {
                report.faults.append(
                    "The offset of \(partition) is \(offsets[partition].map { "\($0.offset)" } ?? "missing") and not \(end).")
            }
        }
        try log.close()
    }

    private func compare(_ found: Workload.Lists, _ expected: Workload.Lists, _ topic: String, _ report: inout SimulationReport) {
        for key in Set(found.keys).union(expected.keys).sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            let (found, expected) = (found[key] ?? [], expected[key] ?? [])
            guard found != expected else { continue }
            report.faults.append("Topic \(topic), key \(Workload.text(key)): \(difference(expected, found))")
        }
    }

    private func difference<Item: Equatable>(_ expected: [Item], _ found: [Item]) -> String {
        let place = zip(expected, found).prefix { $0 == $1 }.count
        func part(_ list: [Item]) -> String { "\(Array(list[place...].prefix(4)))" + (list.count > place + 4 ? " …" : "") }
        return "from place \(place) of \(expected.count) on expected \(part(expected)), found \(part(found)) of \(found.count)"
    }

    private func records(of topic: String, _ log: EmbeddedLog) throws -> [WrittenRecord] {
        let session = try log.openSession(named: "check", group: "check")
        defer { session.close() }
        var records: [WrittenRecord] = []
        for partition in (0..<plan.partitions).map({ TopicPartition(topic, $0) }) {
            let range = try log.offsetRange(of: partition)
            try session.assign([partition: range.lowerBound])
            while true {
                let fetched = try session.poll(maxBytes: 1 << 20, timeout: .zero)
                if fetched.isEmpty { break }
                for batches in fetched { try append(batches, to: &records) }
            }
        }
        return records
    }

    private func append(_ fetched: FetchedBatches, to records: inout [WrittenRecord]) throws {
        var batches = RecordBatchCursor(fetched.bytes)
        while let batch = try batches.next() {
            var cursor = try batch.records(decompressingInto: ByteBuffer())
            while let record = try cursor.next() {
                records.append(
                    WrittenRecord(key: record.key.map { Array($0) }, value: record.value.map { Array($0) }, timestamp: record.timestamp))
            }
        }
    }
}
