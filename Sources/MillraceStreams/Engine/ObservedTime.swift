import MillraceCore

/// The highest time that a node has seen: what decides which records are late, and what is due.
///
/// It survives a restart, in the metadata of committed offsets, so that the results do not depend on when the app was started. Kafka Streams forgets it: there a record that is too
/// late for a window is taken in after all when it happens to be the first after a restart.
@usableFromInline
final class ObservedTime {
    /// -1 before the first record.
    @exclusivity(unchecked) @usableFromInline var value: Int64 = -1

    @inlinable
    func advance(to time: Int64) {
        if time > value { value = time }
    }

    /// For a time that may also go back; -1 for none.
    func replace(with time: Int64) {
        value = time
    }
}
