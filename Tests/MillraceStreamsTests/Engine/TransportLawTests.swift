import Millrace
import MillraceTestKit
import Testing

@Suite struct TransportLawTests {
    @Test(arguments: [1, 2, 3] as [UInt64])
    func theEmbeddedLogKeepsTheLaw(seed: UInt64) throws {
        let run = try EngineRun(try StreamsBuilder().build(), topics: [:])
        try TransportLaws(seed: seed).check(run.log)
    }

    @Test func aTransportThatDoesNotIsFound() throws {
        let run = try EngineRun(try StreamsBuilder().build(), topics: [:])
        run.faults.forgetsOffsets = true
        #expect(throws: TransportLaws.Violation.self) { try TransportLaws(seed: 1).check(run.backend.transport) }
    }
}
