import MillraceCore
import MillraceStreams
import Testing

/// A builder that refuses generated names of topics and stores.
@Suite struct ExplicitNameTests {
    private func fault(_ describe: (StreamsBuilder) -> Void) -> String? {
        let builder = StreamsBuilder(requiresNames: true)
        describe(builder)
        do {
            _ = try builder.build()
            return nil
        } catch { return (error as? MillraceError)?.message }
    }

    private func words(_ builder: StreamsBuilder) -> KStream<String, String> {
        builder.stream("in", key: .string, value: .string).selectKey { _, value in value }
    }

    @Test func topicsAndStoresWithoutNamesAreListed() throws {
        let fault = try #require(fault { words($0).groupByKey().count().toStream().to("out") })
        #expect(
            fault.contains(
                "topic KSTREAM-AGGREGATE-STATE-STORE-0000000002-repartition, between KSTREAM-FILTER-0000000005 and KSTREAM-AGGREGATE-0000000003"
            ))
        #expect(
            fault.contains(
                "store KSTREAM-AGGREGATE-STATE-STORE-0000000002 with topic KSTREAM-AGGREGATE-STATE-STORE-0000000002-changelog, of KSTREAM-AGGREGATE-0000000003"
            ))
    }

    @Test func namesOfOnesOwnAreEnough() {
        #expect(fault { words($0).groupByKey(named: "by-word").count(in: "counts").toStream().to("out") } == nil)
        #expect(fault { words($0).filter { _, value in value != "" }.to("out") } == nil)
    }

    @Test func joinsNameTopicsAndStoresApart() {
        func join(_ builder: StreamsBuilder, in store: Materialized, named: String?) {
            words(builder).join(
                builder.stream("other", key: .string, value: .string), within: JoinWindows(difference: .seconds(1)), in: store, named: named
            ) { (left: String, right: String) in left + right }.to("out")
        }
        #expect(fault { join($0, in: "join", named: "join") } == nil)
        #expect(fault { join($0, in: .automatic, named: "join") }?.contains("store KSTREAM-JOINTHIS-") == true)
        #expect(fault { join($0, in: "join", named: nil) }?.contains("topic KSTREAM-KEY-SELECT-") == true)
    }

    @Test func tablesThatAreLookedUpNeedAName() {
        func join(_ builder: StreamsBuilder, in store: Materialized) {
            let table: KTable<String, String> = builder.table("rows", in: store)
            builder.stream("in", key: .string, value: .string).join(table) { (value: String, row: String) in value + row }.to("out")
        }
        #expect(fault { join($0, in: .automatic) }?.contains("store rows-STATE-STORE-0000000000 with topic") == true)
        #expect(fault { join($0, in: "rows") } == nil)
    }

    @Test func suppressionsAndForeignKeyJoinsAreNamedByTheirNodes() {
        func join(_ builder: StreamsBuilder, named: String?) {
            let left: KTable<String, String> = builder.table("left", in: "left")
            let right: KTable<String, String> = builder.table("right", in: "right")
            left.join(right, foreignKey: { $1 }, named: named) { $0 + $1 }.toStream().to("out")
        }
        #expect(fault { join($0, named: "join") } == nil)
        #expect(fault { join($0, named: nil) }?.contains("topic KTABLE-FK-JOIN-SUBSCRIPTION-REGISTRATION-") == true)
        func suppress(_ builder: StreamsBuilder, named: String?) {
            let table: KTable<String, String> = builder.table("rows", in: "rows")
            table.suppress(.untilTimeLimit(.seconds(1)), named: named).toStream().to("out")
        }
        #expect(fault { suppress($0, named: "late") } == nil)
        #expect(fault { suppress($0, named: nil) }?.contains("store KTABLE-SUPPRESS-STATE-STORE-") == true)
    }

    @Test func aNameOfOnesOwnMayHoldNumbers() {
        #expect(fault { words($0).groupByKey(named: "words-2024010101").count(in: "count-0000000001").toStream().to("out") } == nil)
    }
}
