import Glibc
import Millrace

/// Tells how far the work is: one line that is written over when standard error is a terminal, now and then a plain line otherwise.
final class ProgressLine {
    private let isTerminal = isatty(2) == 1
    private let clock = SystemClock()
    private let started: UInt64
    private var lastShown: UInt64
    private var lastLength = 0
    private var lastRecords = 0

    init() {
        started = clock.monotonicNanoseconds()
        lastShown = started
    }

    /// Shows the line if it is time: ten times a second on a terminal, every two seconds elsewhere.
    func show(records: Int, share: Double?) {
        let now = clock.monotonicNanoseconds()
        guard now - lastShown >= (isTerminal ? 100_000_000 : 2_000_000_000) else { return }
        lastShown = now
        // A file of messages need not be told that nothing has happened.
        guard isTerminal || records != lastRecords else { return }
        lastRecords = records
        let seconds = Double(now - started) / 1e9
        var text = "\(records) records, \(Int(Double(records) / max(seconds, 0.001))) a second"
        if let share { text += ", \(Int(share * 100)) % of the input read" }
        write(text)
    }

    /// Shows something that matters, whatever the time.
    func say(_ text: String) {
        write(text)
        if isTerminal { write("", newline: true) }
    }

    /// Leaves the terminal clean.
    func finish() {
        if isTerminal, lastLength > 0 { write("") }
    }

    private func write(_ text: String, newline: Bool = false) {
        let padding = String(repeating: " ", count: max(0, lastLength - text.count))
        StandardError.write(isTerminal ? (newline ? "\n" : "\r\(text)\(padding)\r\(text)") : "\(text)\n")
        lastLength = newline ? 0 : text.count
    }
}
