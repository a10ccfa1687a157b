import BenchmarkSupport
import Testing

/// The digests of the first 1,000 records that the reference generators (in Java, and in Python) give.
@Test(arguments: [
    (BenchmarkTopic.lines, 0x1796_14e4_a4ff_02db as UInt64),
    (.words, 0x6611_dd5e_09da_0ab6),
    (.transactions, 0xefb1_0f57_b4f6_baf3),
    (.left, 0x3064_c785_da77_6e75),
    (.clicks, 0xafa0_d848_7ba5_8149),
    (.users, 0x6c26_45b1_e15b_8375),
    (.state, 0x21a9_8cf9_b773_3f23),
])
func firstRecordsHaveTheDigestOfTheReference(topic: BenchmarkTopic, digest: UInt64) {
    #expect(topic.digest(1_000) == digest)
}
