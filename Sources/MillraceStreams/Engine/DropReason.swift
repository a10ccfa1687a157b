/// Why a record was left out of a result. Every dropped record is counted under one of these; the names are those of the metric `millrace.records.dropped`.
public enum DropReason: String, Sendable, Hashable, CaseIterable {
    /// The operator needs a key and the record has none.
    case nullKey
    /// The operator needs a value and the record has none.
    case nullValue
    /// The record came after its window was closed.
    case late
    /// The timestamp extractor gave a negative time.
    case invalidTimestamp
    /// The key or value could not be read, and the failure policy said to go on.
    case deserialization
    /// A closure of the app threw, and the failure policy said to go on.
    case processing
    /// A record that the app made could not be written to its topic, and the failure policy said to go on.
    case production
    /// A versioned table got a row older than its history.
    case expired
    /// A join or an aggregation got an update of a versioned table that concerns the past, not the table's current row.
    case outOfOrder
    /// A deduplication has let the same pass before.
    case duplicate
    /// The answer of a foreign-key join came after the row that it was asked for had changed.
    case outdatedAnswer
}
