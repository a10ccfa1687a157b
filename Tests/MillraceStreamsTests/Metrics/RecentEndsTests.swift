import MillraceCore
import Testing

@testable import MillraceStreams

struct RecentEndsTests {
    @Test("The end of a partition is asked for once in five seconds, also when nobody answers")
    func asksSeldom() {
        let ends = RecentEnds()
        let (one, other) = (TopicPartition("t", 0), TopicPartition("t", 1))
        var asked = 0
        func end(_ partition: TopicPartition, at seconds: UInt64, _ answer: Offset?) -> Offset? {
            ends.end(of: partition, now: seconds * 1_000_000_000) {
                asked += 1
                return answer
            }
        }
        #expect(end(one, at: 100, 7) == 7)
        #expect(end(one, at: 104, 8) == 7)
        #expect(end(other, at: 104, nil) == nil)
        #expect(end(other, at: 105, 3) == nil)
        #expect(asked == 2)
        #expect(end(one, at: 105, 9) == 9)
        #expect(end(other, at: 109, 4) == 4)
        #expect(asked == 4)
    }
}
