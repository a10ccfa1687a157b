import MillraceCore
import Testing

/// Expects an error of a kind whose message contains a phrase and names what is concerned.
func expectError(
    _ phrase: String, names: [String] = [], kind: MillraceError.Kind = .topology,
    sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Any
) {
    let error = #expect(throws: MillraceError.self, sourceLocation: sourceLocation) { _ = try body() }
    guard let error else { return }
    #expect(error.kind == kind, sourceLocation: sourceLocation)
    for part in [phrase] + names {
        #expect(error.message.contains(part), "\(error.message) lacks \(part)", sourceLocation: sourceLocation)
    }
}
