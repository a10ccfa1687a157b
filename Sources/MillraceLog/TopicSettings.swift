import MillraceCore
import MillraceFormats

/// The settings of a topic as the log uses them, with Kafka's names, defaults and limits.
struct TopicSettings {
    /// `cleanup.policy` has `delete`: old segments go by `retentionMilliseconds` and `retentionBytes`.
    var deletes = true
    /// `cleanup.policy` has `compact`: of each key the last record stays.
    var compacts = false
    var retentionMilliseconds: Int64 = 7 * 24 * 60 * 60 * 1000
    var retentionBytes: Int64 = -1
    var segmentBytes: Int64 = 1 << 30
    var segmentMilliseconds: Int64 = 7 * 24 * 60 * 60 * 1000
    var indexIntervalBytes: Int64 = 4096
    var maxMessageBytes: Int64 = 1_048_588
    /// `message.timestamp.type` is `LogAppendTime`.
    var stampsAppendTime = false
    /// `nil` is `producer`: batches stay as they come.
    var compression: Compression?
    var minCompactionLagMilliseconds: Int64 = 0
    var maxCompactionLagMilliseconds: Int64 = .max
    /// How long a segment is written to: one whose records must be compacted in time must end in time.
    var segmentAge: Int64 { compacts ? min(segmentMilliseconds, maxCompactionLagMilliseconds) : segmentMilliseconds }
    var minCleanableDirtyRatio = 0.5
    var deleteRetentionMilliseconds: Int64 = 24 * 60 * 60 * 1000

    /// - Throws: `MillraceError` of kind `configuration` for a name that Kafka does not have or a value out of its range.
    init(_ given: [String: String]) throws {
        for (name, value) in given.sorted(by: { $0.key < $1.key }) { try set(name, value) }
    }

    private mutating func set(_ name: String, _ value: String) throws {
        switch name {
        case "cleanup.policy": try setCleanupPolicy(value)
        case "retention.ms": retentionMilliseconds = try integer(name, value, from: -1)
        case "retention.bytes": retentionBytes = try integer(name, value, from: -1)
        case "segment.bytes": segmentBytes = try integer(name, value, from: 14, to: Int64(Int32.max))
        case "segment.ms": segmentMilliseconds = try integer(name, value, from: 1)
        case "index.interval.bytes": indexIntervalBytes = try integer(name, value, from: 0, to: Int64(Int32.max))
        case "max.message.bytes": maxMessageBytes = try integer(name, value, from: 0, to: Int64(Int32.max))
        case "message.timestamp.type":
            stampsAppendTime = try choice(name, value, ["CreateTime": false, "LogAppendTime": true])
        case "compression.type": try setCompression(value)
        case "min.compaction.lag.ms": minCompactionLagMilliseconds = try integer(name, value, from: 0)
        case "max.compaction.lag.ms": maxCompactionLagMilliseconds = try integer(name, value, from: 1)
        case "delete.retention.ms": deleteRetentionMilliseconds = try integer(name, value, from: 0)
        case "min.cleanable.dirty.ratio":
            guard let ratio = Double(value), ratio >= 0, ratio <= 1 else { throw refusal(name, value, "a number from 0 to 1") }
            minCleanableDirtyRatio = ratio
        default: try TopicSettings.checkIsKnown(name)
        }
    }

    /// - Throws: `MillraceError` of kind `configuration` that lists the settings when this is none.
    static func checkIsKnown(_ name: String) throws {
        guard !names.contains(name) else { return }
        throw MillraceError(.configuration, "There is no topic setting \"\(name)\". Known are: \(names.joined(separator: ", ")).")
    }

    /// The settings that there are.
    static let names = [
        "cleanup.policy", "compression.type", "delete.retention.ms", "index.interval.bytes", "max.compaction.lag.ms", "max.message.bytes",
        "message.timestamp.type", "min.cleanable.dirty.ratio", "min.compaction.lag.ms", "retention.bytes", "retention.ms", "segment.bytes",
        "segment.ms",
    ]

    private mutating func setCleanupPolicy(_ value: String) throws {
        let policies = value.split(separator: ",").map { $0.filter { $0 != " " } }
        guard !policies.isEmpty, policies.allSatisfy({ $0 == "delete" || $0 == "compact" }) else {
            throw refusal("cleanup.policy", value, "delete, compact, or both with a comma between")
        }
        deletes = policies.contains("delete")
        compacts = policies.contains("compact")
    }

    private mutating func setCompression(_ value: String) throws {
        switch value {
        case "producer": compression = nil
        case "uncompressed": compression = Compression.none
        default:
            guard let codec = Compression(named: value), codec != .none else {
                throw refusal("compression.type", value, "producer, uncompressed, gzip, snappy, lz4 or zstd")
            }
            compression = codec
        }
    }

    private func integer(_ name: String, _ value: String, from low: Int64, to high: Int64 = .max) throws -> Int64 {
        guard let number = Int64(value), number >= low, number <= high else {
            throw refusal(name, value, high == .max ? "a whole number, \(low) or more" : "a whole number from \(low) to \(high)")
        }
        return number
    }

    private func choice<Choice>(_ name: String, _ value: String, _ choices: [String: Choice]) throws -> Choice {
        guard let choice = choices[value] else { throw refusal(name, value, choices.keys.sorted().joined(separator: " or ")) }
        return choice
    }

    private func refusal(_ name: String, _ value: String, _ expected: String) -> MillraceError {
        MillraceError(.configuration, "The topic setting \(name) cannot be \"\(value)\": it must be \(expected).")
    }
}
