import MillraceCore

/// A key or value made of a record's key and value.
typealias RecordMapper = @Sendable (Datum?, Datum?) -> Datum?

/// Values made of a value.
typealias FlatMapper = @Sendable (Datum?) -> [Datum?]

/// Whether a value mapper is one of those that look at the key.
func usesKey(_ specification: String) -> Bool {
    ["appendKey", "keyEqualsValue"].contains(FunctionName(specification).name)
}

/// The value mapper of this name.
///
/// - Throws: `BadProgram` when there is none.
func valueMapper(_ specification: String) throws -> RecordMapper {
    let function = FunctionName(specification)
    let argument = function.argument
    switch function.name {
    case "identity": return { _, value in value.map { .text($0.text) } }
    case "upper": return { _, value in value.map { .text(Text.upper($0.text)) } }
    case "prefix": return { _, value in value.map { .text(argument + $0.text) } }
    case "suffix": return { _, value in value.map { .text($0.text + argument) } }
    case "nullTo": return { _, value in .text(value?.text ?? argument) }
    case "len": return { _, value in .text(value.map { String($0.text.utf8.count) } ?? "-1") }
    case "first": return { _, value in value.map { .text(Text.first($0.text)) } }
    case "addInt":
        let number = try function.number()
        return { _, value in value == nil ? nil : .text(Text.mod(value.integer + number)) }
    case "nullIfInt": return { _, value in value.isInteger ? nil : value.map { .text($0.text) } }
    case "nullIfLenOdd": return { _, value in value.flatMap { $0.text.utf8.count % 2 == 1 ? nil : .text($0.text) } }
    case "const": return { _, _ in .text(argument) }
    case "appendKey": return { key, value in value.map { .text("\($0.text)@\(key.shown)") } }
    case "keyEqualsValue": return { key, value in .text("\(key.shown)=\(value.shown)") }
    default: throw BadProgram("unknown value mapper \(specification)")
    }
}

/// The key mapper of this name.
///
/// - Throws: `BadProgram` when there is none.
func keyMapper(_ specification: String) throws -> RecordMapper {
    let function = FunctionName(specification)
    let argument = function.argument
    switch function.name {
    case "key": return { key, _ in key.map { .text($0.text) } }
    case "value": return { _, value in value.map { .text($0.text) } }
    case "firstOfValue": return { _, value in value.map { .text(Text.first($0.text)) } }
    case "firstOfKey": return { key, _ in key.map { .text(Text.first($0.text)) } }
    case "lenParity": return { _, value in value.map { .text($0.text.utf8.count % 2 == 0 ? "even" : "odd") } }
    case "beforeColon": return { _, value in value.map { .text(Text.before(":", $0.text)) } }
    case "fk":
        return { _, value in
            let key = value.map { Text.before(":", $0.text) } ?? ""
            return key.isEmpty ? nil : .text(key)
        }
    case "fkOrKey":
        return { key, value in
            guard let text = value?.text else { return nil }
            return text.utf8.contains(UInt8(ascii: ":")) ? .text(Text.before(":", text)) : key.map { .text($0.text) }
        }
    case "beforeAt": return { key, _ in key.map { .text(Text.before("@", $0.text, last: true)) } }
    case "const": return { _, _ in .text(argument) }
    case "keyPlusValue": return { key, value in .text("\(key.shown)+\(value.shown)") }
    case "keyUnlessInt": return { key, value in value.isInteger ? nil : key.map { .text($0.text) } }
    default: throw BadProgram("unknown key mapper \(specification)")
    }
}

/// The flat mapper of this name.
///
/// - Throws: `BadProgram` when there is none.
func flatMapper(_ specification: String) throws -> FlatMapper {
    @Sendable func text(_ value: Datum?) -> Datum? { value.map { .text($0.text) } }
    switch specification {
    case "splitSpace":
        return { value in
            guard let value else { return [] }
            return value.text.utf8.split(separator: UInt8(ascii: " ")).map { .text(String(Substring($0))) }
        }
    case "twice": return { value in [text(value), text(value)] }
    case "valueAndUpper": return { value in [text(value), value.map { .text(Text.upper($0.text)) }] }
    case "nullAndValue": return { value in [nil, text(value)] }
    case "none": return { _ in [] }
    default: throw BadProgram("unknown flat mapper \(specification)")
    }
}

/// The choice of a topic for each record.
///
/// - Throws: `BadProgram` when there is none of this name.
func topicChoice(_ specification: String) throws -> @Sendable (Record<Datum?, Datum?>) -> String {
    let function = FunctionName(specification)
    let base = function.argument
    switch function.name {
    case "lenParity":
        return { record in "\(base)-\(record.value.map { $0.text.utf8.count % 2 == 0 ? "even" : "odd" } ?? "null")" }
    case "keyFirst":
        return { record in
            let first = record.key?.text.utf8.first ?? 0
            return "\(base)-\((UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first) ? String(UnicodeScalar(first)) : "other")"
        }
    default: throw BadProgram("unknown choice of topic \(specification)")
    }
}
