/// Whether a record passes.
typealias RecordPredicate = @Sendable (Datum?, Datum?) -> Bool

/// The predicate of this name.
///
/// - Throws: `BadProgram` when there is none.
func predicate(_ specification: String) throws -> RecordPredicate {
    let function = FunctionName(specification)
    let argument = function.argument
    switch function.name {
    case "true": return { _, _ in true }
    case "false": return { _, _ in false }
    case "valueNotNull": return { _, value in value != nil }
    case "keyNotNull": return { key, _ in key != nil }
    case "lenEven": return { _, value in value.map { $0.text.utf8.count % 2 == 0 } ?? false }
    case "isInt": return { _, value in value.isInteger }
    case "intEven": return { _, value in value.integer % 2 == 0 }
    case "intGt":
        let limit = try function.number()
        return { _, value in value.integer > limit }
    case "contains": return { _, value in value.map { Text.contains($0.text, argument) } ?? false }
    case "keyLt": return { key, _ in key.map { $0.text.precedesInBytes(argument) } ?? false }
    default: throw BadProgram("unknown predicate \(specification)")
    }
}
