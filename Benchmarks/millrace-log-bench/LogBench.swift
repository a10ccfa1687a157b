import Foundation
import MillraceCommandLine
import MillraceCore
import MillraceFormats
import MillraceLog
import MillraceSystem

/// Measures the embedded log: appending, reading, waking, opening, compacting. Figures are printed as lines of name and value.
@main
struct LogBench {
    static let table = CommandLineTable(
        name: "millrace-log-bench", summary: "Measures the embedded log in a new directory, which it leaves behind.", operands: "DIR",
        options: [
            .init("megabytes", value: "N", "How much to append for each record size. Default: 1000."),
            .init("partitions", value: "N", "Default: 1."), .init("compaction-megabytes", value: "N", "Default: 200."),
        ])

    static func main() throws {
        let arguments = try table.parse(CommandLine.arguments.dropFirst())
        guard !arguments.has("help"), let path = arguments.operands.first else { return print(table.help) }
        let megabytes = try arguments.integer("megabytes", in: 1...100_000) ?? 1000
        let partitions = try arguments.integer("partitions", in: 1...1000) ?? 1
        for size in [100, 1000] {
            try appendAndRead("\(path)/size-\(size)", size: size, bytes: megabytes << 20, partitions: partitions)
        }
        try wake("\(path)/wake")
        try compact("\(path)/compact", bytes: (try arguments.integer("compaction-megabytes", in: 1...100_000) ?? 200) << 20)
    }

    private static let quiet = EmbeddedLogOptions(durability: .interval(.seconds(1)), housekeeping: nil)

    private static func appendAndRead(_ path: String, size: Int, bytes: Int, partitions: Int) throws {
        let count = bytes / size
        var log = try EmbeddedLog.open(at: path, options: quiet)
        try log.createTopic(TopicSpecification("t", partitions: Int32(partitions)))
        let appender = try log.openAppender(to: "t", named: "bench", group: "bench")
        let value = [UInt8](repeating: 0x61, count: size)
        try measure("append \(size) B x \(count), \(partitions) partitions", records: count, bytes: count * size) {
            try value.withUnsafeBytes { value in
                for number in 0..<count {
                    try appender.append(key: nil, value: value, timestamp: Timestamp(milliseconds: Int64(number)))
                    if appender.byteCount >= 1 << 20 { try appender.commit() }
                }
                try appender.commit()
            }
        }
        try log.close()
        let start = ContinuousClock.now
        log = try EmbeddedLog.open(at: path, options: quiet)
        print(
            "open, \(bytes >> 20) MB: \((ContinuousClock.now - start).formatted(.units(allowed: [.milliseconds], fractionalPart: .show(length: 2))))"
        )
        for run in ["first", "again"] {
            let session = try log.openSession(named: "bench", group: "bench")
            try session.assign(Dictionary(uniqueKeysWithValues: (0..<Int32(partitions)).map { (TopicPartition("t", $0), Offset(0)) }))
            var seen = 0
            var sum = 0
            let scratch = ByteBuffer()
            try measure("read \(size) B (\(run))", records: count, bytes: count * size) {
                while seen < count {
                    for batches in try session.poll(maxBytes: 1 << 20, timeout: .seconds(1)) {
                        var cursor = RecordBatchCursor(batches.bytes)
                        while let batch = try cursor.next() {
                            var records = try batch.records(decompressingInto: scratch)
                            while let record = try records.next() {
                                sum &+= record.value?.count ?? 0
                                seen += 1
                            }
                        }
                    }
                }
            }
            guard sum == count * size else { throw MillraceError(.corruption, "Read \(sum) bytes of \(count * size).") }
        }
        try log.close()
    }

    /// From the call of a commit to the return of a poll that waited for it, in another thread.
    private static func wake(_ path: String) throws {
        let log = try EmbeddedLog.open(at: path, options: quiet)
        try log.createTopic(TopicSpecification("t", partitions: 1))
        let count = 5000
        let clock = SystemClock()
        let latencies = Latencies()
        let session = try log.openSession(named: "reader", group: "bench")
        try session.assign([TopicPartition("t", 0): 0])
        let reader = Reader(session)
        let done = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            var seen = 0
            let scratch = ByteBuffer()
            while seen < count, let fetched = try? reader.session.poll(maxBytes: 1 << 20, timeout: .seconds(5)), !fetched.isEmpty {
                let now = clock.monotonicNanoseconds()
                for batches in fetched {
                    var cursor = RecordBatchCursor(batches.bytes)
                    while let batch = try? cursor.next() {
                        var records = try? batch.records(decompressingInto: scratch)
                        while let record = try? records?.next() {
                            latencies.add(now &- UInt64(record.timestamp.milliseconds))
                            seen += 1
                        }
                    }
                }
            }
            done.signal()
        }
        let appender = try log.openAppender(to: "t", named: "writer", group: "bench")
        for _ in 0..<count {
            try appender.append(key: nil, value: "x", timestamp: Timestamp(milliseconds: Int64(clock.monotonicNanoseconds())))
            try appender.commit()
            usleep(500)
        }
        done.wait()
        print("append to wake, \(count) times: \(latencies.summary)")
        try log.close()
    }

    private static func compact(_ path: String, bytes: Int) throws {
        let log = try EmbeddedLog.open(at: path, options: quiet)
        try log.createTopic(
            TopicSpecification("t", partitions: 1, settings: ["cleanup.policy": "compact", "segment.bytes": "\(16 << 20)"]))
        let appender = try log.openAppender(to: "t", named: "writer", group: "bench")
        let value = String(repeating: "v", count: 90)
        let count = bytes / 100
        for number in 0..<count {
            try appender.append(
                key: "key \(number &* 2_654_435_761 % 100_000)", value: value, timestamp: Timestamp(milliseconds: Int64(number)))
            if appender.byteCount >= 1 << 20 { try appender.commit() }
        }
        try appender.commit()
        let before = peakKilobytes()
        try measure("compact \(bytes >> 20) MB, 100000 keys", records: count, bytes: bytes) {
            try log.runCompaction(now: Timestamp(milliseconds: Int64(count)))
        }
        print("compaction raised the peak of resident memory from \(before >> 10) MB to \(peakKilobytes() >> 10) MB")
        try log.close()
    }

    private static func measure(_ name: String, records: Int, bytes: Int, _ body: () throws -> Void) throws {
        let start = ContinuousClock.now
        let cpu = cpuSeconds()
        try body()
        let seconds =
            Double((ContinuousClock.now - start).components.seconds) + Double((ContinuousClock.now - start).components.attoseconds) / 1e18
        let used = cpuSeconds() - cpu
        print(
            name + ": "
                + String(
                    format: "%.2f s, %.0f MB/s, %.2f CPU s, %.2f M records a CPU second", seconds, Double(bytes) / 1e6 / seconds, used,
                    Double(records) / 1e6 / used))
    }

    private static func usage() -> rusage {
        var usage = rusage()
        #if canImport(Glibc)
            getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        #else
            getrusage(RUSAGE_SELF, &usage)
        #endif
        return usage
    }

    private static func cpuSeconds() -> Double {
        let usage = usage()
        return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
    }

    private static func peakKilobytes() -> Int { usage().ru_maxrss }
}

/// Lets the one thread that reads have the session.
private struct Reader: @unchecked Sendable {
    let session: any TransportSession
    init(_ session: any TransportSession) { self.session = session }
}

/// Filled by one thread, read after its end.
private final class Latencies: @unchecked Sendable {
    private var nanoseconds: [UInt64] = []

    func add(_ value: UInt64) { nanoseconds.append(value) }

    var summary: String {
        let sorted = nanoseconds.sorted()
        func at(_ part: Double) -> String { String(format: "%.0f µs", Double(sorted[Int(Double(sorted.count - 1) * part)]) / 1000) }
        return "p50 \(at(0.5)), p99 \(at(0.99)), highest \(at(1))"
    }
}
