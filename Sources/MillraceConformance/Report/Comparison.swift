/// The first thing in which a case differs from what is expected.
struct Difference {
    /// Where: a topic, a store, a description.
    var place: String
    /// One line of what differs.
    var reason: String
    var expected: [String] = []
    var actual: [String] = []
}

/// Which parts of a case are compared.
struct Scope: OptionSet {
    let rawValue: Int

    static let outputs = Scope(rawValue: 1)
    static let stores = Scope(rawValue: 2)
    static let internals = Scope(rawValue: 4)
    static let all: Scope = [.outputs, .stores, .internals]
}

extension Case {
    /// The first difference between what is expected and what happened, `nil` when there is none.
    func difference(from outcome: Outcome, _ scope: Scope = .all) -> Difference? {
        if expected.error != nil || outcome.expected.error != nil { return errorDifference(from: outcome) }
        if scope.contains(.outputs), let difference = outputDifference(from: outcome) { return difference }
        if scope.contains(.stores), let difference = storeDifference(from: outcome) { return difference }
        return scope.contains(.internals) ? internalDifference(from: outcome) : nil
    }

    /// Errors are equal when they come at the same time, and those of a topology also when they are of the same sort.
    private func errorDifference(from outcome: Outcome) -> Difference? {
        func line(_ result: Expected) -> String {
            guard let error = result.error else { return "no error" }
            // Kafka's other classes have no counterparts here.
            let sort = ["TOPOLOGY", "RUNTIME"].contains(error) ? error : "ARGUMENT"
            return "\(sort) in \(result.phase ?? "?")\(result.at.map { " at event \($0)" } ?? "")"
        }
        let (wanted, got) = (line(expected), line(outcome.expected))
        guard wanted != got else { return nil }
        let message = outcome.failure.map { ": \($0)" } ?? ""
        return Difference(place: "error", reason: "expected \(wanted), got \(got)\(message)", expected: [wanted], actual: [got + message])
    }

    private func outputDifference(from outcome: Outcome) -> Difference? {
        compare(expected.outputs ?? [:], outcome.expected.outputs ?? [:], named: "topic") { topic, wanted, got in
            wanted == got ? nil : lines("topic \(topic)", wanted.map(\.line), got.map(\.line))
        }
    }

    private func storeDifference(from outcome: Outcome) -> Difference? {
        compare(expected.stores ?? [:], outcome.expected.stores ?? [:], named: "store") { store, wanted, got in
            if wanted.type != got.type {
                return Difference(place: "store \(store)", reason: "expected a \(wanted.type) store, got a \(got.type) store")
            }
            if wanted.entries != got.entries { return lines("store \(store)", wanted.entries.map(\.line), got.entries.map(\.line)) }
            guard wanted.asOf ?? [] != got.asOf ?? [] else { return nil }
            return lines("store \(store) as of", (wanted.asOf ?? []).map(\.line), (got.asOf ?? []).map(\.line))
        }
    }
}

/// Compares two dictionaries entry by entry, in the order of the names.
func compare<Value>(
    _ expected: [String: Value], _ actual: [String: Value], named what: String, _ difference: (String, Value, Value) -> Difference?
) -> Difference? {
    for name in Set(expected.keys).union(actual.keys).sorted() {
        guard let wanted = expected[name] else {
            return Difference(place: "\(what) \(name)", reason: "there is a \(what) \(name), which is not expected")
        }
        guard let got = actual[name] else {
            return Difference(place: "\(what) \(name)", reason: "there is no \(what) \(name)")
        }
        if let found = difference(name, wanted, got) { return found }
    }
    return nil
}

/// The difference of two lists that are not equal, told by their first different lines.
func lines(_ place: String, _ expected: [String], _ actual: [String]) -> Difference {
    let first = zip(expected, actual).prefix { Text.same($0, $1) }.count
    func line(_ list: [String]) -> String { first < list.count ? list[first] : "nothing more" }
    return Difference(
        place: place, reason: "\(place), line \(first + 1): expected \(line(expected)), got \(line(actual))", expected: expected,
        actual: actual)
}

extension OutputRecord {
    var line: String {
        let headers = headers.map { " headers \($0.map { "\($0.first.shown)=\($0.last.shown)" }.joined(separator: ","))" } ?? ""
        return "\(key.quoted) = \(value.quoted) @\(ts)\(headers)"
    }
}

extension StoreRow {
    var line: String {
        "\(key.quoted)\(times.map { " \($0)" }.joined()) = \(value.quoted)\(timestamp.map { " @\($0)" } ?? "")"
    }
}

extension String? {
    /// In quotes, or `null`.
    var quoted: String { map { "\"\($0)\"" } ?? "null" }
}

extension String?? {
    fileprivate var shown: String { (self ?? nil).map { $0 } ?? "null" }
}
