/// A joined value, of the key and the values of both sides.
typealias Joiner = @Sendable (_ key: Datum?, _ left: Datum?, _ right: Datum?) -> Datum?

/// Whether a joiner is the one that looks at the key.
func joinerUsesKey(_ specification: String) -> Bool { specification == "concatKey" }

/// The joiner of this name.
///
/// - Throws: `BadProgram` when there is none.
func joiner(_ specification: String) throws -> Joiner {
    switch specification {
    case "concat": return { _, left, right in .text("\(left.shown)+\(right.shown)") }
    case "concatKey": return { key, left, right in .text("\(key.shown):\(left.shown)+\(right.shown)") }
    case "sum": return { _, left, right in .text(Text.mod(left.integer + right.integer)) }
    case "left": return { _, left, _ in left.map { .text($0.text) } }
    case "right": return { _, _, right in right.map { .text($0.text) } }
    case "nullIfEqual": return { _, left, right in Text.same(left.shown, right.shown) ? nil : .text("\(left.shown)+\(right.shown)") }
    default: throw BadProgram("unknown joiner \(specification)")
    }
}
