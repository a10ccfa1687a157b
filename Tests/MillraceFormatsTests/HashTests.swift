import Testing

@testable import MillraceFormats

@Suite struct HashTests {
    /// Kafka's own vectors (`UtilsTest.testMurmur2`).
    @Test(
        arguments: [
            ("21", -973_932_308), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971), ("abc", 479_470_107),
        ] as [(String, Int32)])
    func murmur2IsKafkas(_ text: String, _ hash: Int32) {
        let (found, partition) = Array(text.utf8).withUnsafeBytes { (Murmur2.hash($0), Murmur2.partition(forKey: $0, count: 7)) }
        #expect(found == hash)
        #expect(partition == (hash & Int32.max) % 7)
    }

    /// Kafka's own vectors (`Murmur3Test.testMurmur3_128`), with the seed that they use.
    @Test(
        arguments: [
            ("21", 5_857_341_059_704_281_894, -5_288_187_638_297_930_763), ("foobar", -351_361_463_397_418_609, 8_959_716_011_862_540_668),
            ("a-little-bit-long-string", 8_836_256_500_583_638_442, -198_172_363_548_498_523),
            ("a-little-bit-longer-string", 1_838_346_159_335_108_511, 8_794_688_210_320_490_705),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -4_024_021_876_037_397_259, -1_482_317_706_335_141_238),
            ("abc", 1_489_494_923_063_836_066, -5_440_978_547_625_122_829),
        ] as [(String, Int64, Int64)])
    func murmur3IsKafkas(_ text: String, _ first: Int64, _ second: Int64) {
        let hash = Array(text.utf8).withUnsafeBytes { Murmur3.hash128($0, seed: 123) }
        #expect(Int64(bitPattern: hash.0) == first)
        #expect(Int64(bitPattern: hash.1) == second)
    }

    @Test func crcOfTheCheckString() {
        // The check value of CRC-32C in every catalogue of checksums.
        #expect(Array("123456789".utf8).withUnsafeBytes { CRC32C.checksum($0) } == 0xE306_9283)
    }

    @Test func fastAndPortableCRCAgreeAtEveryLengthAndInPieces() {
        var generator = SeededGenerator(seed: 1)
        let bytes = (0..<300).map { _ in UInt8.random(in: 0...255, using: &generator) }
        bytes.withUnsafeBytes { all in
            for length in 0...all.count {
                let part = UnsafeRawBufferPointer(rebasing: all[0..<length])
                let whole = CRC32C.checksum(part)
                #expect(whole == CRC32C.portableChecksum(part))
                let half = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: part[0..<length / 2]))
                #expect(CRC32C.checksum(UnsafeRawBufferPointer(rebasing: part[(length / 2)...]), continuing: half) == whole)
            }
        }
    }
}
