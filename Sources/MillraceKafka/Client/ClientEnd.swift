import CRdKafka
import MillraceCore
import MillraceSystem

/// The end of a client, on a thread of its own: librdkafka 2.0 may wait there for ever, as was seen where a partition was paused.
final class ClientEnd: @unchecked Sendable {
    private let monitor = Monitor()
    private let changed: Condition
    private var isDone = false
    private var thread: BackgroundThread?
    /// How long is waited. Usually it takes milliseconds.
    private static let patience: UInt64 = 10_000_000_000

    private init() {
        changed = Condition(of: monitor)
    }

    /// Ends a client, and leaves it behind when that takes too long.
    ///
    /// - Parameter reports: What the client hands its log messages to, until it has ended.
    static func end(_ handle: OpaquePointer, _ reports: ClientReports) {
        let client = SendableHandle(handle: handle)
        let end = ClientEnd()
        end.monitor.locked {
            end.thread = BackgroundThread {
                // Nothing is committed and no group left on the way out: what is not committed by now shall not be.
                rd_kafka_destroy_flags(client.handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)
                withExtendedLifetime(reports) {}
                // Its own, which only says that nobody else will wait for it.
                end.finish()?.join()
            }
            let deadline = Condition.now() &+ patience
            while !end.isDone, Condition.now() < deadline { end.changed.wait(until: deadline) }
        }
        guard !end.monitor.locked({ end.isDone }) else { return }
        reports.note(
            level: 4, facility: "DESTROY",
            "a client does not end; it is left behind, with its threads and connections (a fault of librdkafka \(String(cString: rd_kafka_version_str())))"
        )
    }

    private func finish() -> BackgroundThread? {
        monitor.locked {
            isDone = true
            changed.signal()
            defer { thread = nil }
            return thread
        }
    }

    private struct SendableHandle: @unchecked Sendable {
        let handle: OpaquePointer
    }
}
