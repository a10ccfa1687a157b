/// Who wrote a batch: a producer's number, and which of the processes that had it one after the other. Kafka: `ProducerIdAndEpoch`.
public struct ProducerIdentity: Hashable, Sendable {
    /// The number, 0 or more.
    public var id: Int64
    /// Grows each time somebody takes the producer over; who has a lower one is refused.
    public var epoch: Int16

    /// A producer's identity.
    public init(id: Int64, epoch: Int16) {
        self.id = id
        self.epoch = epoch
    }
}

/// The numbers that a producer gives its records, for each partition from 0 on; after the highest `Int32` comes 0 again. Kafka: `DefaultRecordBatch.incrementSequence`.
public enum ProducerSequence {
    /// The number that comes `count` after `sequence`; before it when `count` is negative.
    @inlinable
    public static func advance(_ sequence: Int32, by count: Int64) -> Int32 {
        Int32(truncatingIfNeeded: (Int64(sequence) &+ count) & Int64(Int32.max))
    }

    /// How many records lie between two numbers, from 0 up to the highest `Int32`.
    @inlinable
    public static func distance(from start: Int32, to end: Int32) -> Int64 {
        (Int64(end) - Int64(start)) & Int64(Int32.max)
    }
}
