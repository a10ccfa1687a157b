import Testing

@testable import MillraceLog

struct KeyOffsetsTests {
    @Test("The last offset of each key is found, also after the table has grown", arguments: [1, 100, 3000, 20_000])
    func lastOffsets(keyCount: Int) {
        var keys = KeyOffsets(memory: 1 << 20)
        var expected: [[UInt8]: Int64] = [:]
        for offset in 0..<Int64(keyCount * 2) {
            let key = Array("key \(offset * 7919 % Int64(keyCount))".utf8)
            expected[key] = offset
            key.withUnsafeBytes { keys.note($0, at: offset) }
        }
        #expect(!keys.isFull)
        for (key, offset) in expected { #expect(key.withUnsafeBytes { keys.offset(of: $0) } == offset) }
        #expect(Array("another".utf8).withUnsafeBytes { keys.offset(of: $0) } == nil)
    }

    @Test("It is full when the memory it was given is")
    func limit() {
        var keys = KeyOffsets(memory: 24 * 8192)
        var count: Int64 = 0
        while !keys.isFull {
            withUnsafeBytes(of: count) { keys.note($0, at: count) }
            count += 1
        }
        #expect(count == 6144)
        for offset in 0..<count { #expect(withUnsafeBytes(of: offset) { keys.offset(of: $0) } == offset) }
    }
}
