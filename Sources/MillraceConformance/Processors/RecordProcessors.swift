import MillraceCore
import MillraceStreams

/// The shared part of the suite's processors: `KeyValueStore<String, String>`, if they have one, and texts.
typealias TextStore = KeyValueStore<String, String>

extension Record<Datum?, Datum?> {
    /// Key and value as `key=value`.
    var id: String { "\(key.shown)=\(value.shown)" }
}

/// The value and headers that the processor `headerTag` makes: the last header `tag` on the value, and one more header with the number of them.
func tagged(_ value: Datum?, _ headers: Headers) -> (Datum?, Headers) {
    var more = headers
    more.append(Header("n", text: String(headers.count)))
    guard let tag = headers.last(named: "tag") else { return (value.map { .text($0.text) }, more) }
    return (.text("\(value.shown)#\(tag.value.map { String(decoding: $0, as: UTF8.self) } ?? "null")"), more)
}

/// The greater of a value's number and the stored one.
func rollingMaximum(_ value: Datum, stored: String?) -> String {
    let number = Optional(value).integer
    return String(stored.map { max($0.smallInteger ?? 0, number) } ?? number)
}
