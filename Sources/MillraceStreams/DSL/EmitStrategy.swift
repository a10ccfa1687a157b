/// When a windowed aggregation sends its results. Kafka: `EmitStrategy`.
public enum EmitStrategy: Hashable, Sendable {
    /// At each change of a window.
    case onWindowUpdate
    /// Once, when the window has closed: when stream time has passed its end and grace period.
    case onWindowClose
}
