import Millrace
import Synchronization

/// A kind of operator, in a program whose closures fail when they get the value "boom".
struct PoisonOperator: Sendable, CustomStringConvertible {
    let description: String
    /// Where records come from; those of `tables` are tables.
    let topics: [String]
    let tables: Set<String>
    /// What of the output does not depend on how the work is spread over tasks.
    let comparison: EngineCase.Comparison
    /// Whether it has a closure that can fail.
    let hasClosure: Bool
    /// Whether the closure is called once time has passed, when no record is to blame.
    let isHeld: Bool
    let values: @Sendable (Int) -> String?
    let build: @Sendable (StreamsBuilder, Fuse) -> Void

    init(
        _ description: String, topics: [String] = ["in"], tables: Set<String> = [], comparison: EngineCase.Comparison = .lists,
        hasClosure: Bool = true, isHeld: Bool = false, values: @escaping @Sendable (Int) -> String? = { "v\($0)" },
        _ build: @escaping @Sendable (StreamsBuilder, Fuse) -> Void
    ) {
        self.description = description
        self.topics = topics
        self.tables = tables
        self.comparison = comparison
        self.hasClosure = hasClosure
        self.isHeld = isHeld
        self.values = values
        self.build = build
    }

    func engineCase(_ fuse: Fuse) -> EngineCase {
        EngineCase(
            description: description, topics: topics, comparison: comparison,
            inputs: EngineCase.inputs(topics, count: 40, late: topics.count == 1, values: values)
        ) { build($0, fuse) }
    }
}

/// Makes closures throw.
final class Fuse: Sendable {
    struct Blown: Error {}
    static let bad = "boom"
    private let left: Mutex<Int>

    /// - Parameter times: How often a closure fails until it succeeds.
    init(times: Int) {
        left = Mutex(times)
    }

    func check(_ value: String) throws -> String {
        guard value == Fuse.bad else { return value }
        try left.withLock { left in
            guard left > 0 else { return }
            left -= 1
            throw Blown()
        }
        return value
    }
}

extension KTable where Key == String, Value == String {
    func send() { toStream().to("out", value: Serde.string.optional) }
}
