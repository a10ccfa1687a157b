import MillraceCore
import MillraceJSON

extension Case {
    /// The program, the inputs, and expected and actual results side by side where they first differ.
    func report(_ scope: Scope) -> String {
        var text = "\(name)\(about.map { ": \($0)" } ?? "")\n\nProgram\n"
        text += program.map { "  \(Self.json($0))\n" }.joined()
        text += "\nInputs\n"
        text += inputs.enumerated().map { "  \($0)  \(Self.json($1))\n" }.joined()
        do {
            guard let difference = difference(from: try run(), scope) else { return text + "\nPassed\n" }
            text += "\n\(difference.reason)\n"
            if !difference.expected.isEmpty || !difference.actual.isEmpty {
                text += "\n" + Self.table(difference.expected, difference.actual)
            }
        } catch {
            text += "\n\(error)\n"
        }
        return text
    }

    private static func json<Value: Codable & Sendable>(_ value: Value) -> String {
        guard let bytes = try? Serde<Value>.json().bytes(of: value) else { return "\(value)" }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func table(_ expected: [String], _ actual: [String]) -> String {
        let width = max(8, expected.map(\.count).max() ?? 0)
        func row(_ mark: String, _ left: String, _ right: String) -> String {
            "\(mark) \(left)\(String(repeating: " ", count: max(0, width - left.count))) | \(right)\n"
        }
        return row(" ", "expected", "actual")
            + (0..<max(expected.count, actual.count)).map { place in
                let left = place < expected.count ? expected[place] : ""
                let right = place < actual.count ? actual[place] : ""
                return row(Text.same(left, right) ? " " : "!", left, right)
            }.joined()
    }
}
