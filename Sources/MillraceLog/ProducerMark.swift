import MillraceCore
import MillraceFormats

/// What a commit appended to a partition for a producer that numbers its records, as the journal says it.
struct ProducerMark: Equatable {
    var partition: PartitionKey
    var producer: ProducerIdentity
    /// The number of the last record, and how many records without a gap end with it.
    var lastSequence: Int32
    var count: Int64
    /// The offset of the last record; those before it lie right before it.
    var lastOffset: Int64
    /// When it was appended.
    var time: Timestamp
}

/// Who has the name of a producer now.
struct ProducerName: Equatable {
    var name: String
    var producer: ProducerIdentity
    /// When it was taken.
    var time: Timestamp
}
