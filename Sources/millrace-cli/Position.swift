import Foundation
import MillraceCommandLine
import MillraceCore
import MillraceLog

/// A place in a partition as a command line names it.
enum Position {
    case earliest
    case latest
    case offset(Int64)
    case time(Timestamp)

    static let explanation = "earliest, latest, an offset, or a time: @MILLISECONDS or @2026-01-31T12:00:00Z"

    init(_ text: String, option: String) throws {
        switch text {
        case "earliest": self = .earliest
        case "latest": self = .latest
        default:
            if let offset = Int64(text), offset >= 0 {
                self = .offset(offset)
            } else if text.hasPrefix("@") {
                self = .time(try Position.time(String(text.dropFirst()), option: option))
            } else {
                throw CommandLineError("--\(option) takes \(Position.explanation), not \"\(text)\".")
            }
        }
    }

    /// A time in milliseconds since 1970 or as ISO 8601 writes it.
    static func time(_ text: String, option: String) throws -> Timestamp {
        if let milliseconds = Int64(text) { return Timestamp(milliseconds: milliseconds) }
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: text.contains("."))
        guard let date = try? style.parse(text) else {
            throw CommandLineError("--\(option) takes a time as milliseconds since 1970 or like 2026-01-31T12:00:00Z, not \"\(text)\".")
        }
        return Timestamp(milliseconds: Int64((date.timeIntervalSince1970 * 1000).rounded()))
    }

    /// The offset in a partition, moved into what it holds.
    func offset(in partition: TopicPartition, of log: EmbeddedLog) throws -> Offset {
        let range = try log.offsetRange(of: partition)
        switch self {
        case .earliest: return range.lowerBound
        case .latest: return range.upperBound
        case .offset(let offset): return min(max(Offset(offset), range.lowerBound), range.upperBound)
        case .time(let time): return try log.offset(for: partition, at: time) ?? range.upperBound
        }
    }
}

extension Timestamp {
    /// As people read it, in UTC.
    var readable: String {
        guard milliseconds >= 0, milliseconds < 253_402_300_800_000 else { return "\(milliseconds)" }
        // Whole seconds, as a fraction would be cut off where a Double cannot hold it.
        let seconds = Date(timeIntervalSince1970: Double(milliseconds / 1000)).formatted(.iso8601)
        let fraction = String(milliseconds % 1000)
        return seconds.dropLast() + "." + String(repeating: "0", count: 3 - fraction.count) + fraction + "Z"
    }
}
