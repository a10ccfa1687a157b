import Testing

@testable import MillraceWire

/// Orders as OpenJDK 17 gave them.
@Suite struct JavaSetOrderTests {
    @Test func hashesAreThoseOfJava() {
        #expect(JavaSetOrder.hash("orders") == -1_008_770_331)
        #expect(JavaSetOrder.hash("app-counts-by-ending-repartition") == 1_586_600_970)
    }

    @Test(arguments: [
        [838, 0, 919],
        [838, 0, 919, 676, 757, 433, 595, 271, 514, 352, 109, 190],
        // The thirteenth doubles the buckets.
        [838, 0, 919, 676, 757, 595, 28, 352, 433, 271, 514, 109, 190],
        [
            0, 919, 757, 218, 595, 542, 56, 28, 704, 352, 947, 975, 433, 785, 732, 380, 299, 109, 190, 838, 676, 866, 813, 623, 137, 894,
            271, 514, 461, 651,
        ],
    ])
    func setsOfStringsAreListedAsInJava(_ order: [Int]) {
        let added = order.indices.map { "app-topic-\($0 * 7919 % 1000)-repartition" }
        #expect(JavaSetOrder.sorted(added) == order.map { "app-topic-\($0)-repartition" })
    }

    @Test func setsOfSetsAreListedAsInJava() {
        let groups = (0..<5).map { group in (0...group).map { "t\(group)-\($0)" } }
        #expect(JavaSetOrder.sorted(groups, madeOf: 15).map(\.count) == [3, 1, 2, 5, 4])
    }
}
