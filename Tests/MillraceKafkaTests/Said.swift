import MillraceCore
import Synchronization

/// What the session said at level `warning` and above.
final class Said: Sendable {
    private let messages = Mutex<[String]>([])

    var logger: MillraceLogger {
        MillraceLogger(level: .warning) { [self] _, message, _ in
            if !message.hasPrefix("librdkafka: ") { messages.withLock { $0.append(message) } }
        }
    }

    var all: [String] { messages.withLock { $0 } }

    func count(_ beginning: String) -> Int { all.count { $0.hasPrefix(beginning) } }
}
