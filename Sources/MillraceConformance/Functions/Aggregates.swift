/// A new aggregate, of a record and the aggregate so far.
typealias Aggregation = @Sendable (_ key: Datum?, _ value: Datum?, _ aggregate: Datum?) -> Datum?

/// Two values made one.
typealias Reduction = @Sendable (Datum?, Datum?) -> Datum?

/// The start of an aggregation.
///
/// - Throws: `BadProgram` when there is none of this name.
func initialValue(_ specification: String) throws -> Datum? {
    switch specification {
    case "empty": .text("")
    case "zero": .text("0")
    case "null": nil
    default: throw BadProgram("unknown initial value \(specification)")
    }
}

/// The aggregator, or subtractor, of this name.
///
/// - Throws: `BadProgram` when there is none.
func aggregation(_ specification: String) throws -> Aggregation {
    switch specification {
    case "append": return { _, value, result in .text("\(result.orEmpty)\(value.shown);") }
    case "appendKey": return { key, value, result in .text("\(result.orEmpty)\(key.shown)=\(value.shown);") }
    case "remove": return { _, value, result in .text(removing("\(value.shown);", from: result.orEmpty)) }
    case "sum": return { _, value, result in .text(Text.mod(result.integer + value.integer)) }
    case "subtract": return { _, value, result in .text(Text.mod(result.integer - value.integer)) }
    case "inc": return { _, _, result in .text(String(result.integer + 1)) }
    case "dec": return { _, _, result in .text(String(result.integer - 1)) }
    case "min": return { _, value, result in .text(result.orEmpty.isEmpty ? value.shown : least(result.orEmpty, value.shown)) }
    case "max": return { _, value, result in .text(result.orEmpty.isEmpty ? value.shown : greatest(result.orEmpty, value.shown)) }
    case "last": return { _, value, _ in value.map { .text($0.text) } }
    case "first": return { _, value, result in (result.orEmpty.isEmpty ? value : result).map { .text($0.text) } }
    case "appendNullOnX":
        return { _, value, result in
            value.shown.utf8.first == UInt8(ascii: "x") ? nil : .text("\(result.orEmpty)\(value.shown);")
        }
    default: throw BadProgram("unknown aggregator \(specification)")
    }
}

/// The merger of sessions of this name: key, aggregate so far, next session's.
///
/// - Throws: `BadProgram` when there is none.
func merging(_ specification: String) throws -> Aggregation {
    @Sendable func text(_ datum: Datum?) -> Datum? { datum.map { .text($0.text) } }
    switch specification {
    case "concat": return { _, left, right in .text(left.orEmpty + right.orEmpty) }
    case "sum": return { _, left, right in .text(Text.mod(left.integer + right.integer)) }
    case "max":
        return { _, left, right in
            guard let left, let right else { return text(left ?? right) }
            return .text(greatest(left.text, right.text))
        }
    case "min":
        return { _, left, right in
            guard let left, let right else { return text(left ?? right) }
            return .text(least(left.text, right.text))
        }
    default: throw BadProgram("unknown merger \(specification)")
    }
}

/// The reducer, or subtractor of one, of this name.
///
/// - Throws: `BadProgram` when there is none.
func reduction(_ specification: String) throws -> Reduction {
    switch specification {
    case "concat": return { left, right in .text("\(left.shown)+\(right.shown)") }
    case "concatMinus": return { left, right in .text("\(left.shown)-\(right.shown)") }
    case "sum": return { left, right in .text(Text.mod(left.integer + right.integer)) }
    case "subtract": return { left, right in .text(Text.mod(left.integer - right.integer)) }
    case "min": return { left, right in .text(least(left.shown, right.shown)) }
    case "max": return { left, right in .text(greatest(left.shown, right.shown)) }
    case "left": return { left, _ in left.map { .text($0.text) } }
    case "right": return { _, right in right.map { .text($0.text) } }
    case "nullIfEqual": return { left, right in Text.same(left.shown, right.shown) ? nil : .text("\(left.shown)+\(right.shown)") }
    default: throw BadProgram("unknown reducer \(specification)")
    }
}

/// Takes the first item equal to `item` out of a list of items that end in `;`, or marks that there is none.
private func removing(_ item: String, from list: String) -> String {
    var items: [Substring] = []
    var rest = Substring(list)
    while let end = rest.utf8.firstIndex(of: UInt8(ascii: ";")) {
        let next = rest.utf8.index(after: end)
        items.append(rest[..<next])
        rest = rest[next...]
    }
    guard let place = items.firstIndex(where: { $0.utf8.elementsEqual(item.utf8) }) else { return "\(list)!\(item)" }
    items.remove(at: place)
    return items.joined()
}

private func least(_ left: String, _ right: String) -> String { right.precedesInBytes(left) ? right : left }

private func greatest(_ left: String, _ right: String) -> String { left.precedesInBytes(right) ? right : left }
