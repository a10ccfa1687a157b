import MillraceCore
import MillraceStreams
import MillraceTestKit
import Testing

@Suite struct TableTests {
    @Test func everyRecordIsAnUpdateAndRecordsWithoutKeyAreDropped() throws {
        let run = try TableRun { builder in
            builder.table("in", key: .string, value: .string, in: "rows").toStream().to("out")
        }
        try run.pipe([("a", "1", 10), (nil, "x", 11), ("a", "2", 5), ("b", nil, 12), ("a", nil, 13)])
        #expect(try run.read() == ["a=1@10", "a=2@5", "b=nil@12", "a=nil@13"])
        #expect(run.driver.droppedRecords == [.nullKey: 1])
        #expect(try run.driver.keyValueStore("rows", key: String.self, value: String.self).all().isEmpty)
    }

    @Test func aTableHasAStoreOnlyWhereSomebodyNeedsIt() throws {
        let builder = StreamsBuilder()
        let table: KTable<String, String> = builder.table("in")
        table.filter { _, value in value > "b" }.toStream().to("out")
        #expect(!(try builder.build().describe()).contains("STATE-STORE"))
        _ = table.mapValues { $0 + "!" }.groupBy { key, value in (value, key) }.count()
        #expect(try builder.build().describe().contains("Processor: KTABLE-SOURCE-0000000002 (stores: [in-STATE-STORE-0000000000])"))
    }

    @Test func filtersWithoutStoreSendTombstonesOfRowsThatNeverPassed() throws {
        let run = try TableRun { builder in
            builder.table("in", key: .string, value: .string).filter { _, value in value.count > 1 }.toStream().to("out")
        }
        try run.pipe([("a", "1", 1), ("a", "11", 2), ("a", "2", 3), ("a", nil, 4)])
        #expect(try run.read() == ["a=nil@1", "a=11@2", "a=nil@3", "a=nil@4"])
    }

    @Test func filtersBehindAStoreLeaveThemOut() throws {
        let run = try TableRun { builder in
            builder.table("in", key: .string, value: .string, in: "rows")
                .filterNot(in: "short") { _, value in value.count > 1 }
                .mapValues(in: "marked") { key, value in "\(key)\(value)!" }
                .toStream().to("out")
        }
        try run.pipe([("a", "11", 1), ("a", "1", 2), ("a", "22", 3), ("a", nil, 4)])
        #expect(try run.read() == ["a=a1!@2", "a=nil@3"])
    }

    @Test func streamsBecomeTablesWhateverTheirNulls() throws {
        let run = try TableRun { builder in
            builder.stream("in", key: Serde.string.optional, value: Serde.string.optional).toTable(in: "rows").toStream().to("out")
        }
        try run.pipe([("a", "1", 1), (nil, "2", 2), ("a", nil, 3)])
        #expect(try run.read() == ["a=1@1", "a=nil@3"])
    }

    @Test func tablesOfRekeyedStreamsAreRepartitioned() throws {
        let run = try TableRun { builder in
            builder.stream("in", key: Serde.string, value: Serde.string).selectKey { _, value in value }
                .toTable(key: .string, value: .string, named: "by-value").toStream().to("out")
        }
        try run.pipe([("a", "x", 1)])
        #expect(try run.read() == ["x=x@1"])
        #expect(run.driver.writtenRecords(of: "test-by-value-repartition").count == 1)
    }
}

@Suite struct GroupedTableTests {
    @Test func aRowThatChangesLeavesItsGroupAndJoinsAnother() throws {
        let run = try TableRun { builder in
            builder.table("in", key: .string, value: .string)
                .groupBy { key, value in (String(value.prefix(1)), key) }
                .reduce(in: "groups", adding: { $0 + "+" + $1 }, subtracting: { $0 + "-" + $1 })
                .toStream().to("out")
        }
        try run.pipe([("k", "a", 1), ("l", "a", 9), ("k", "b", 3), ("l", "ax", 4), ("l", nil, 5)])
        #expect(try run.read() == ["a=k@1", "a=k+l@9", "a=k+l-k@9", "b=k@3", "a=k+l-k-l+l@9", "a=k+l-k-l+l-l@9"])
        let changes = run.driver.writtenRecords(of: "test-groups-repartition").map { $0.value?.hex ?? "nil" }
        #expect(changes == ["6b01", "6c01", "6b00", "6b01", "026c6c02", "6c00"])
    }

    @Test func countsRowsAndFoldsThem() throws {
        let run = try TableRun { builder in
            let table: KTable<String, String> = builder.table("in")
            let groups = table.groupBy(named: "by-length") { _, value in
                (value.isEmpty ? nil : String(value.count), value)
            }
            groups.count().mapValues { "\($0)" }.toStream().to("out")
            groups.aggregate("", in: "joined", adding: { $2 + $1 }, subtracting: { $2 + "\\" + $1 }).toStream().to("joined")
        }
        try run.pipe([("k", "ab", 1), ("l", "cd", 2), ("k", "", 3), ("l", "e", 4)])
        #expect(try run.read() == ["2=1@1", "2=2@2", "2=1@3", "2=0@4", "1=1@4"])
        let joined = try run.driver.output("joined", key: Serde.string, value: Serde.string).readAll().map(\.value)
        #expect(joined == ["ab", "abcd", "abcd\\ab", "abcd\\ab\\cd", "e"])
        #expect(run.driver.writtenRecords(of: "test-by-length-repartition").count == 5)
    }

    @Test(arguments: [0, 1, 63, 64, 8191, 8192])
    func changesCarryLongValues(length: Int) throws {
        let run = try TableRun { builder in
            builder.table("in", key: .string, value: .string).groupBy { _, value in ("g", value) }
                .reduce(adding: { $1 }, subtracting: { result, old in result == old ? "gone" : nil })
                .toStream().to("out")
        }
        let text = String(repeating: "x", count: length)
        try run.pipe([("k", "first", 1), ("k", text, 2)])
        #expect(try run.read() == ["g=first@1", "g=\(text)@2"])
    }

    @Test func transformersSeeDeletedRowsAndUseStores() throws {
        final class Counting: TableTransformer {
            let calls: KeyValueStore<String, String>
            init(_ calls: KeyValueStore<String, String>) { self.calls = calls }

            func transform(_ row: FixedKeyRecord<String, String?>) throws -> String? {
                let count = (try calls.get(row.key).flatMap { Int($0) } ?? 0) + 1
                try calls.put(row.key, "\(count)")
                return "\(row.value ?? "-")#\(count)"
            }
        }
        let run = try TableRun { builder in
            builder.addStore(.keyValue(.inMemory("calls"), key: .string, value: .string))
            builder.table("in", key: .string, value: .string)
                .transformValues(connecting: ["calls"], value: Serde.string) { context in Counting(try context.store("calls")) }
                .toStream().to("out")
        }
        try run.pipe([("a", "x", 1), ("a", nil, 2)])
        #expect(try run.read() == ["a=x#1@1", "a=-#2@2"])
    }
}

extension [UInt8] {
    fileprivate var hex: String {
        map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
