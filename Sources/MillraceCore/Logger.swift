/// How much a log line matters, as in swift-log.
public enum LogLevel: Int, Comparable, Sendable, CaseIterable {
    /// The levels of swift-log, from the least to the most urgent.
    case trace, debug, info, notice, warning, error, critical

    public static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }
}

/// Where Millrace says what it does: static text and keys, nothing per record. The shape is swift-log's, so that a `Logger` of that package plugs in with one closure:
///
///     MillraceLogger(level: .info) { level, message, metadata in logger.log(level: .init(level), "\(message)", metadata: .init(metadata)) }
public struct MillraceLogger: Sendable {
    /// Messages below this level are left out.
    public var level: LogLevel
    let write: @Sendable (LogLevel, String, [(String, String)]) -> Void

    /// A logger that hands each message with its details to `write`.
    public init(level: LogLevel, _ write: @escaping @Sendable (LogLevel, String, [(String, String)]) -> Void) {
        self.level = level
        self.write = write
    }

    /// Says nothing.
    public static let silent = MillraceLogger(level: .critical) { _, _, _ in }

    /// Hands a message on, unless its level is below the logger's. The message is only made when it is needed.
    public func log(_ level: LogLevel, _ message: @autoclosure () -> String, _ metadata: (String, String)...) {
        if level >= self.level { write(level, message(), metadata) }
    }
}
