import BenchmarkScenarios
import BenchmarkSupport
import Foundation

/// What a run prints: one line of JSON.
struct RunReport {
    let scenario: Scenario
    var records = 0
    var processed = 0
    var startTime = 0
    var firstTime = 0
    var doneTime = 0
    var closedTime = 0
    /// When all state was restored.
    var runningTime = 0
    /// Records taken from changelogs.
    var restored = 0
    var usage = ProcessUsage()
    /// How long answers took, in nanoseconds, the shortest first; empty where nobody asked.
    var queryTimes: [UInt64] = []
    /// `nil` where somebody else reads the output.
    var output: OutputSummary?

    init(scenario: Scenario) {
        self.scenario = scenario
    }

    var json: String {
        let seconds = Double(max(1, closedTime - firstTime)) / 1000
        var fields: [(String, String)] = [
            ("scenario", "\"\(scenario.rawValue)\""), ("records", "\(records)"), ("start_ms", "\(startTime)"), ("first_ms", "\(firstTime)"),
            ("done_ms", "\(doneTime)"), ("closed_ms", "\(closedTime)"), ("records_per_s", "\(Int(Double(records) / seconds))"),
            ("processed", "\(processed)"), ("cpu_s", RunReport.text(usage.cpuSeconds, digits: 3)),
            ("cpu_s_per_m", RunReport.text(usage.cpuSeconds / Double(max(1, records)) * 1e6, digits: 4)),
            ("peak_rss_mb", "\(usage.peakMegabytes)"), ("running_ms", "\(runningTime)"), ("restored", "\(restored)"),
        ]
        if let output {
            fields += [
                ("out_records", "\(output.records)"), ("out_keys", "\(output.keys)"),
                ("checksum", "\"\(RunReport.hexadecimal(output.checksum))\""),
            ]
        }
        if !queryTimes.isEmpty {
            func at(_ part: Double) -> String {
                RunReport.text(Double(queryTimes[min(queryTimes.count - 1, Int(Double(queryTimes.count) * part))]) / 1e6, digits: 3)
            }
            fields += [
                ("queries", "\(queryTimes.count)"), ("query_p50_ms", at(0.5)), ("query_p99_ms", at(0.99)), ("query_max_ms", at(1)),
            ]
        }
        return "{" + fields.map { "\"\($0)\":\($1)" }.joined(separator: ",") + "}"
    }

    private static func text(_ number: Double, digits: Int) -> String { String(format: "%.\(digits)f", number) }

    private static func hexadecimal(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

/// What the process has used of the machine.
struct ProcessUsage {
    var cpuSeconds = 0.0
    /// The most memory that was ever resident.
    var peakMegabytes = 0

    static func now() -> ProcessUsage {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return ProcessUsage(cpuSeconds: seconds(usage.ru_utime) + seconds(usage.ru_stime), peakMegabytes: Int(usage.ru_maxrss) / 1024)
    }

    func since(_ start: ProcessUsage) -> ProcessUsage {
        ProcessUsage(cpuSeconds: cpuSeconds - start.cpuSeconds, peakMegabytes: peakMegabytes)
    }
}

enum Clock {
    /// Milliseconds since 1970.
    static func milliseconds() -> Int { Int(Date().timeIntervalSince1970 * 1000) }
}
