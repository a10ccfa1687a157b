/// The names of a segment's files: its base offset in twenty digits, and what they hold. Kafka's names.
enum SegmentFiles {
    static let log = "log"
    static let offsetIndex = "index"
    static let timeIndex = "timeindex"
    /// All that belong to a segment, those of a real broker's included.
    static let all = [log, offsetIndex, timeIndex, "txnindex", "snapshot"]

    static func name(_ baseOffset: Int64, _ kind: String) -> String {
        let digits = String(baseOffset)
        return String(repeating: "0", count: max(0, 20 - digits.count)) + digits + "." + kind
    }

    /// The base offset, when `name` is that of a segment's log.
    static func baseOffset(ofLog name: String) -> Int64? {
        guard name.hasSuffix(".log"), name.utf8.count == 24, let offset = Int64(name.dropLast(4)), offset >= 0 else { return nil }
        return offset
    }
}
