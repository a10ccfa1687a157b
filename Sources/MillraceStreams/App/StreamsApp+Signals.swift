#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif
import MillraceCore

extension StreamsApp {
    /// Runs until the app is shut down, or the process is asked to end by SIGINT (Ctrl-C) or SIGTERM: then it finishes and commits the work at hand. A second signal ends the
    /// process at once.
    public func runUntilSignalled() async throws {
        try ShutdownSignals.onFirst { [self] in shutDown() }
        try await run()
    }
}

/// Turns the first SIGINT or SIGTERM of the process into a call.
enum ShutdownSignals {
    /// The end that signal handlers write to: all that a handler may do is write a byte.
    nonisolated(unsafe) private static var writeEnd: Int32 = -1

    /// - Parameter body: Called on a thread of its own.
    static func onFirst(_ body: @escaping @Sendable () -> Void) throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw MillraceError(.configuration, "The system gave no pipe for signals (error \(errno)). Allow the process more open files.")
        }
        writeEnd = ends[1]
        let readEnd = ends[0]
        for number in [SIGINT, SIGTERM] {
            signal(number) { number in
                var byte: UInt8 = 1
                _ = write(ShutdownSignals.writeEnd, &byte, 1)
                // The next one does what it does by default: end the process.
                signal(number, SIG_DFL)
            }
        }
        try WorkerThread.start {
            var byte: UInt8 = 0
            if read(readEnd, &byte, 1) == 1 { body() }
        }
    }
}
