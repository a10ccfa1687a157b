import MillraceCore
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What a session waits at: queues of librdkafka write to it when something comes, and other threads when the session shall look up.
final class WakePipe: Sendable {
    private let reader: Int32
    /// Where queues write one byte to.
    let writer: Int32
    private let isWoken = Atomic(false)

    init() throws {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else {
            throw MillraceError(
                .transport, "The system gave no pipe (error \(errno)). Raise the limit of open files, or run fewer threads.",
                isRetriable: true)
        }
        (reader, writer) = (ends[0], ends[1])
        for end in ends {
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
    }

    deinit {
        _ = close(reader)
        _ = close(writer)
    }

    /// Ends the wait that is going on, or the next one.
    func wake() {
        isWoken.store(true, ordering: .releasing)
        var byte: UInt8 = 0
        // When the pipe is full the reader has reason enough to look up.
        _ = write(writer, &byte, 1)
    }

    /// Waits until something was written, at most this long.
    ///
    /// - Returns: Whether `wake` was called, which is forgotten with this.
    func wait(milliseconds: Int32) -> Bool {
        if isWoken.exchange(false, ordering: .acquiring) { return true }
        var end = pollfd(fd: reader, events: Int16(POLLIN), revents: 0)
        if poll(&end, 1, milliseconds) > 0 {
            withUnsafeTemporaryAllocation(byteCount: 512, alignment: 1) { buffer in
                while read(reader, buffer.baseAddress, buffer.count) == buffer.count {}
            }
        }
        return isWoken.exchange(false, ordering: .acquiring)
    }
}
