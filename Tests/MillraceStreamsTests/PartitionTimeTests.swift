import MillraceCore
import Testing

@testable import MillraceStreams

@Suite struct PartitionTimeTests {
    @Test func theTextIsKafkas() {
        // Version 2, time 1.
        #expect(PartitionTime.encode(1) == "AgAAAAAAAAAB")
        // And one store, "s", until 5.
        let text = PartitionTime.encode(1, ["s": 5])
        #expect(text == "AgAAAAAAAAABAAAAAQAAAAFzAAAAAAAAAAU=")
        #expect(PartitionTime.decode(text) == 1)
        #expect(PartitionTime.decodeProcessors(text) == ["s": 5])
        #expect(PartitionTime.decodeProcessors(PartitionTime.encode(9, ["a": 1, "b": 2])) == ["a": 1, "b": 2])
    }

    @Test func otherTextsAreLeftAlone() {
        for text in ["", "?", "AQAAAAAAAAAB", "AgAAAAAAAAABAAAAAX////8=", "AgAAAAAAAAABAAAAAQAAAAFz"] {
            #expect(PartitionTime.decodeProcessors(text) == [:])
        }
    }
}
