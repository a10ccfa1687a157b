import Testing

@testable import MillraceFormats

@Suite struct VarintTests {
    @Test(
        arguments: [
            (0, [0x00]), (-1, [0x01]), (1, [0x02]), (63, [0x7E]), (-64, [0x7F]), (64, [0x80, 0x01]), (8191, [0xFE, 0x7F]),
            (-8193, [0x81, 0x80, 0x01]),
            (Int64(Int32.max), [0xFE, 0xFF, 0xFF, 0xFF, 0x0F]), (Int64.min, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]),
        ] as [(Int64, [UInt8])])
    func zigzagFormIsKafkas(_ value: Int64, _ bytes: [UInt8]) {
        var written = [UInt8](repeating: 0, count: Varint.maximumLength)
        let length = written.withUnsafeMutableBytes { buffer in
            Varint.write(zigzag: value, to: buffer.baseAddress!) - buffer.baseAddress!
        }
        #expect(Array(written[0..<length]) == bytes)
        #expect(Varint.length(zigzag: value) == bytes.count)
        bytes.withUnsafeBytes { buffer in
            var place = buffer.baseAddress!
            #expect(Varint.readZigzag(&place, end: place + buffer.count) == value)
            #expect(place == buffer.baseAddress! + buffer.count)
        }
    }

    @Test func lengthIsRightForEachNumberOfBits() {
        for bits in 1...64 {
            let value = UInt64.max >> (64 - UInt64(bits))
            #expect(Varint.length(value) == (bits + 6) / 7)
        }
        #expect(Varint.length(0) == 1)
    }

    @Test(arguments: [[], [0x80], [0xFF, 0xFF], Array(repeating: 0x80, count: 11)] as [[UInt8]])
    func whatDoesNotEndIsRefused(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { buffer in
            guard var place = buffer.baseAddress else { return }
            #expect(Varint.read(&place, end: place + buffer.count) == nil)
        }
    }
}
