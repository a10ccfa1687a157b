import MillraceCore
import Testing

@Suite struct MetricHistogramTests {
    @Test func valuesFallIntoRangesThatEndInPowersOfTwo() {
        var histogram = MetricHistogram(.milliseconds)
        for value: Int64 in [-5, 0, 1, 2, 3, 4, 5, 1 << 30, (1 << 30) + 1, .max] { histogram.add(value) }
        #expect(Array(histogram.counts.prefix(4)) == [3, 1, 2, 1])
        #expect(histogram.counts[30] == 1 && histogram.counts[31] == 1 && histogram.counts[63] == 1)
        #expect(histogram.count == 10)
        #expect(histogram.buckets[0].upperBound == 0.001 && histogram.buckets[0].count == 3)
        #expect(histogram.buckets[1].upperBound == 0.004 && histogram.buckets[1].count == 6)
        #expect(histogram.buckets.last?.count == 8, "what is higher shows in the count only")
    }

    /// Against counting one by one.
    @Test(arguments: 0..<8 as Range<UInt64>)
    func countsAsAModelDoes(seed: UInt64) {
        var numbers = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        var values: [Int64] = []
        var (one, other) = (MetricHistogram(.microseconds), MetricHistogram(.microseconds))
        for turn in 0..<500 {
            numbers ^= numbers << 13
            numbers ^= numbers >> 7
            numbers ^= numbers << 17
            let value = Int64(numbers >> (8 + numbers % 50))
            values.append(value)
            if turn % 3 == 0 { one.add(value) } else { other.add(value) }
        }
        one.merge(other)
        #expect(one.count == values.count)
        for bucket in one.buckets {
            let bound = Int64((bucket.upperBound * 1e6).rounded())
            #expect(bucket.count == values.count { $0 <= bound })
        }
        values.sort()
        for share in [0.01, 0.5, 0.99, 1] {
            let exact = Double(values[Int((Double(values.count) * share).rounded(.up)) - 1]) * 1e-6
            let told = one.quantile(share) ?? -1
            #expect(told >= exact && told <= max(2 * exact, 1e-6))
        }
        #expect(abs(one.seconds - values.reduce(0) { $0 + Double($1) } * 1e-6) <= one.seconds * 1e-9)
    }

    @Test func nothingHasNoQuantile() {
        #expect(MetricHistogram(.microseconds).quantile(0.5) == nil)
        #expect(MetricHistogram(.microseconds).buckets.allSatisfy { $0.count == 0 })
    }
}
