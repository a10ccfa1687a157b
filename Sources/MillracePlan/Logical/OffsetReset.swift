/// Where reading a topic begins when the app has committed no offset for it, or an offset that no longer exists.
///
/// Kafka's counterpart is `AutoOffsetReset`.
public enum OffsetReset: Hashable, Sendable {
    /// At the oldest record.
    case earliest
    /// After the newest record.
    case latest
    /// Nowhere: the app stops with an error.
    case none
    /// At the first record that is at most this old.
    case byDuration(milliseconds: Int64)
}
