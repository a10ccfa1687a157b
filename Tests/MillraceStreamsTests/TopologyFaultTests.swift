import MillraceCore
import MillraceStreams
import MillraceTestKit
import Testing

/// Mistakes that users make, and what they are told: what is wrong, with which node, topic or store, and what to do.
@Suite struct TopologyFaultTests {
    struct Mistake: Sendable, CustomTestStringConvertible {
        let name: String
        /// Parts of the message: names, and the beginning of the advice.
        let told: [String]
        let describe: @Sendable (StreamsBuilder) -> Void
        var testDescription: String { name }
    }

    private static func words(_ builder: StreamsBuilder, _ topic: String = "words") -> KStream<String, String> {
        builder.stream(topic, key: .string, value: .string)
    }

    private final class Forget: Processor {
        init(_ context: ProcessorContext<Never, Never>) throws {
            let _: KeyValueStore<String, String> = try context.store("limits")
        }
        func process(_ record: Record<String, String>) {}
    }

    private struct Unknown: Sendable {}

    static let mistakes: [Mistake] = [
        Mistake(name: "nothing at all", told: ["empty", "Add a source"]) { _ in },
        Mistake(name: "a store that nobody declared", told: ["limits", "ask", "Add the store"]) {
            words($0).process(connecting: ["limits"], named: "ask") { try Forget($0) }
        },
        Mistake(name: "a store without a name", told: ["name of a store is empty", "Give a name"]) {
            $0.addStore(.keyValue(.inMemory(), key: .string, value: .string))
        },
        Mistake(name: "two nodes of one name", told: ["same", "another name"]) {
            words($0).filter(named: "same") { _, _ in true }.filter(named: "same") { _, _ in true }.to("out")
        },
        Mistake(name: "two stores of one name", told: ["counts", "another name"]) {
            _ = words($0).groupByKey().count(in: "counts")
            _ = words($0, "others").groupByKey().count(in: "counts")
        },
        Mistake(name: "two groupings of one name", told: ["by-word-repartition", "another name"]) {
            _ = words($0).groupBy(named: "by-word") { _, word in word }.count(in: "a")
            _ = words($0).selectKey { _, word in word }.groupByKey(named: "by-word").count(in: "b")
        },
        Mistake(name: "an illegal name", told: ["per word", "store", "letters"]) { _ = words($0).groupByKey().count(in: "per word") },
        Mistake(name: "an illegal topic", told: ["out/1", "topic", "letters"]) { words($0).to("out/1") },
        Mistake(name: "no topic", told: ["reads no topic", "at least one"]) {
            $0.stream([], key: Serde.string, value: Serde.string).to("out")
        },
        Mistake(name: "a source topic with an illegal name", told: ["my words", "topic", "letters"]) { words($0, "my words").to("out") },
        Mistake(name: "a topic as stream and table", told: ["words", "read by source", "one source"]) {
            let table: KTable<String, String> = $0.table("words", in: "rows")
            words($0).join(table) { (value: String, row: String) in value + row }.to("out")
        },
        Mistake(name: "different starts of one topic", told: ["words", "different", "Give both the same"]) {
            $0.stream("words", key: Serde.string, value: Serde.string, startingAt: .latest).to("a")
            $0.stream("words", key: Serde.string, value: Serde.string, startingAt: .earliest).to("b")
        },
        Mistake(name: "no serde", told: ["Unknown", "out", "Pass one"]) { words($0).mapValues { _ in Unknown() }.to("out") },
        Mistake(name: "windows of no size", told: ["size", "at least a millisecond"]) {
            _ = words($0).groupByKey().windowedBy(.tumbling(size: .zero)).count()
        },
        Mistake(name: "an advance beyond the size", told: ["10 ms", "advance by 1 to 10", "20"]) {
            _ = words($0).groupByKey().windowedBy(.hopping(size: .milliseconds(10), advance: .milliseconds(20))).count()
        },
        Mistake(name: "a retention that is too short", told: ["counts", "Raise the retention"]) {
            _ = words($0).groupByKey().windowedBy(.tumbling(size: .seconds(10))).count(in: .persistent("counts", retention: .seconds(1)))
        },
        Mistake(name: "a versioned store of windows", told: ["counts", "versioned", "persistent or in-memory"]) {
            _ = words($0).groupByKey().windowedBy(.tumbling(size: .seconds(10))).count(in: .versioned("counts", history: .seconds(1)))
        },
        Mistake(name: "a versioned store of sessions", told: ["counts", "versioned", "persistent or in-memory"]) {
            _ = words($0).groupByKey().windowedBy(SessionWindows(gap: .seconds(10))).count(in: .versioned("counts", history: .seconds(1)))
        },
        Mistake(name: "a join with grace on a plain table", told: ["late", "history", "versioned store"]) {
            let table: KTable<String, String> = $0.table("rows", in: "rows")
            words($0).join(table, grace: .seconds(1), named: "late") { (value: String, row: String) in value + row }.to("out")
        },
        Mistake(name: "a versioned table suppressed", told: ["rows", "versioned"]) {
            let table: KTable<String, String> = $0.table("rows", in: .versioned("rows", history: .seconds(1)), named: "rows")
            table.suppress(.untilTimeLimit(.seconds(1)), named: "late").toStream().to("out")
        },
        Mistake(name: "a branch behind the default", told: ["split", "default branch", "last"]) {
            let split = words($0).split(named: "split")
            split.defaultBranch().to("a")
            split.branch { _, _ in true }.to("b")
        },
        Mistake(name: "streams of two builders merged", told: ["two builders", "same one"]) {
            words($0).merge(with: words(StreamsBuilder(), "others")).to("out")
        },
        Mistake(name: "tables of two builders joined", told: ["two builders", "same one"]) {
            let left: KTable<String, String> = $0.table("left", in: "left")
            let right: KTable<String, String> = StreamsBuilder().table("right", in: "right")
            left.join(right) { $0 + $1 }.toStream().to("out")
        },
        Mistake(name: "a store that is connected but global", told: ["ask", "limits", "Leave the connection out"]) {
            $0.addGlobalStore(
                .keyValue(.inMemory("limits"), key: .string, value: .string), from: "limits", key: Serde.string, value: Serde.string
            ) { try Forget($0) }
            words($0).process(connecting: ["limits"], named: "ask") { try Forget($0) }
        },
        Mistake(name: "a join of streams with a retention", told: ["windows", "Leave the retention out"]) {
            words($0).join(
                words($0, "others"), within: JoinWindows(difference: .seconds(1)), in: .inMemory("join", retention: .seconds(9))
            ) { (left: String, right: String) in left + right }.to("out")
        },
    ]

    @Test(arguments: mistakes) func itSaysWhatIsWrongWhereAndWhatToDo(_ mistake: Mistake) throws {
        let builder = StreamsBuilder()
        mistake.describe(builder)
        let error = #expect(throws: MillraceError.self) { try builder.build() }
        let message = error?.message ?? ""
        for part in mistake.told { #expect(message.contains(part), "\(message)") }
    }

    @Test func aStoreThatWasNotConnectedIsNamedWhenTheTaskIsMade() throws {
        let builder = StreamsBuilder()
        builder.addStore(.keyValue("limits", key: .string, value: .string))
        Self.words(builder).process(named: "ask") { try Forget($0) }
        let topology = try builder.build()
        let error = #expect(throws: MillraceError.self) { try TopologyTestDriver(topology) }
        #expect(error?.message.contains("\"limits\"") == true)
        #expect(error?.message.contains("Connect it") == true)
    }
}
