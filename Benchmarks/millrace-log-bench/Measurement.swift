import Foundation

/// What a stretch of work took, as a line of `name=value`.
struct Measurement {
    private let start = ContinuousClock.now
    private let cpuAtStart = Measurement.cpuSeconds()

    /// The time since the start, in seconds.
    var seconds: Double {
        let time = (ContinuousClock.now - start).components
        return Double(time.seconds) + Double(time.attoseconds) / 1e18
    }

    /// Prints the line. MB are 10^6 bytes.
    func report(_ name: String, records: Int? = nil, bytes: Int? = nil, _ more: String...) {
        let seconds = seconds
        let cpu = Measurement.cpuSeconds() - cpuAtStart
        var line = "\(name) seconds=\(Measurement.text(seconds)) cpu_s=\(Measurement.text(cpu))"
        if let bytes { line += " mb_per_s=\(Int(Double(bytes) / 1e6 / seconds))" }
        if let records {
            line += " records=\(records) cpu_s_per_million=\(Measurement.text(cpu / Double(records) * 1e6))"
        }
        print(([line] + more).joined(separator: " "))
    }

    static func text(_ number: Double) -> String { String(format: "%.3f", number) }

    /// The CPU time of the process, the system's on its behalf included.
    static func cpuSeconds() -> Double {
        let usage = usage()
        return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
    }

    /// The most memory that the process ever had, in MB.
    static func peakMegabytes() -> Int { usage().ru_maxrss >> 10 }

    /// How many files the process has open; -1 where the system does not tell.
    static func openFiles() -> Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? -1
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
}
