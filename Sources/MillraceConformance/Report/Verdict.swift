/// Whether a case passed, and if not, why.
public struct Verdict: Sendable {
    public let name: String
    /// Whether the expected result hangs on the kind of store.
    public let isSoft: Bool
    /// One line; `nil` when the case passed.
    public let reason: String?
}

extension Case {
    func verdict(_ scope: Scope = .all) -> Verdict {
        let reason: String?
        do { reason = difference(from: try run(), scope)?.reason } catch { reason = "\(error)" }
        return Verdict(name: name, isSoft: isSoft, reason: reason)
    }
}

extension CaseFile {
    /// Runs all cases of the file.
    public func verdicts() -> [Verdict] { verdicts(.all) }

    func verdicts(_ scope: Scope) -> [Verdict] {
        lines.map { line in
            do { return try Self.decode(line).verdict(scope) } catch {
                return Verdict(name: "\(path): \(String(decoding: line.prefix(60), as: UTF8.self))", isSoft: false, reason: "\(error)")
            }
        }
    }
}
