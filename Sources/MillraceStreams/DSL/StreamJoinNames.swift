/// The names of the nodes and stores of a join of two streams, taken in Kafka's order.
@usableFromInline
struct StreamJoinNames: Sendable {
    @usableFromInline let leftWindowed: String
    @usableFromInline let rightWindowed: String
    @usableFromInline let leftJoin: String
    @usableFromInline let rightJoin: String
    @usableFromInline let merge: String
    @usableFromInline let leftStore: String
    @usableFromInline let rightStore: String
    /// The store of the records that wait for a partner; `nil` for inner joins.
    @usableFromInline let outerStore: String?

    /// Takes names from a builder.
    ///
    /// - Parameters:
    ///   - named: What the nodes' names begin with, when the user says so.
    ///   - storeName: What the stores' names begin with, likewise.
    @usableFromInline
    init(from builder: StreamsBuilder, named: String?, store storeName: String?, isLeftOuter: Bool, isRightOuter: Bool) {
        func name(_ prefix: String, _ suffix: String) -> String { builder.name(named, prefix: prefix, suffix: suffix) }
        let leftSuffix = isRightOuter ? "-outer-this-join" : "-this-join"
        let rightSuffix = isLeftOuter ? "-outer-other-join" : "-other-join"
        leftWindowed = name("KSTREAM-WINDOWED-", "-this-windowed")
        rightWindowed = name("KSTREAM-WINDOWED-", "-other-windowed")
        let leftPrefix = isRightOuter ? "KSTREAM-OUTERTHIS-" : "KSTREAM-JOINTHIS-"
        let generatedLeft = builder.graph.newProcessorName(leftPrefix)
        let generatedRight = builder.graph.newProcessorName(isLeftOuter ? "KSTREAM-OUTEROTHER-" : "KSTREAM-JOINOTHER-")
        if isLeftOuter {
            let shared = "KSTREAM-OUTERSHARED-" + generatedLeft.dropFirst(leftPrefix.count)
            outerStore = (storeName.map { $0 + (isRightOuter ? "-outer-shared-join" : "-left-shared-join") } ?? shared) + "-store"
        } else {
            outerStore = nil
        }
        leftJoin = named.map { $0 + leftSuffix } ?? generatedLeft
        rightJoin = named.map { $0 + rightSuffix } ?? generatedRight
        merge = name("KSTREAM-MERGE-", "-merge")
        leftStore = (storeName.map { $0 + leftSuffix } ?? generatedLeft) + "-store"
        rightStore = (storeName.map { $0 + rightSuffix } ?? generatedRight) + "-store"
    }
}
