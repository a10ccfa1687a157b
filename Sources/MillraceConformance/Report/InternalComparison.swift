extension Case {
    /// The first difference in the shape and descriptions of the topology and in its internal topics.
    func internalDifference(from outcome: Outcome) -> Difference? {
        if let wanted = topology, let got = outcome.shape, let difference = shapeDifference(wanted, got) { return difference }
        if let describe, let got = outcome.describe, !Text.same(describe, got) { return texts("describe", describe, got) }
        if let difference = optimizedDifference(from: outcome) { return difference }
        guard let internalTopics, let got = outcome.internalTopics else { return nil }
        return compare(internalTopics, got, named: "internal topic") { topic, wanted, got in
            let place = "internal topic \(topic)"
            if wanted.config != got.config || wanted.partitions != got.partitions {
                return lines("\(place) settings", wanted.settingLines, got.settingLines)
            }
            if let wanted = wanted.records, let difference = recordDifference(place, wanted, got.records ?? []) { return difference }
            guard let rows = wanted.compacted else { return nil }
            // In topics that are not compacted a null is a row of its own; elsewhere it is the same as no row.
            let keepsNulls = wanted.config["cleanup.policy"] == "delete"
            func kept(_ rows: [ByteRecord]) -> [ByteRecord] { keepsNulls ? rows : rows.filter { $0.v != nil } }
            return recordDifference(place, kept(rows), kept(got.compacted ?? []))
        }
    }

    private func shapeDifference(_ wanted: Shape, _ got: Shape) -> Difference? {
        func lines(_ shape: Shape) -> [String] {
            ["\(shape.subtopologies) subtopologies, \(shape.globalStores) global stores"] + shape.internalTopics
        }
        let (expected, actual) = (lines(wanted), lines(got))
        return expected == actual ? nil : MillraceConformance.lines("topology", expected, actual)
    }

    /// `describeOptimized` is only there where it differs from `describe`.
    private func optimizedDifference(from outcome: Outcome) -> Difference? {
        guard let describe, let result = outcome.describeOptimized else { return nil }
        switch result {
        case .success(let got):
            // Where Kafka's optimiser fails there is no text of its to be equal to.
            guard describeOptimizedError == nil else { return nil }
            let wanted = describeOptimized ?? describe
            return Text.same(wanted, got) ? nil : texts("describeOptimized", wanted, got)
        case .failure(let error):
            return describeOptimizedError == nil ? Difference(place: "describeOptimized", reason: "describeOptimized: \(error)") : nil
        }
    }

    private func recordDifference(_ place: String, _ wanted: [ByteRecord], _ got: [ByteRecord]) -> Difference? {
        let isSame = wanted.elementsEqual(got) { wanted, got in
            wanted.k == got.k && wanted.v == got.v && wanted.headers ?? [] == got.headers ?? [] && (wanted.ts == nil || wanted.ts == got.ts)
        }
        guard !isSame else { return nil }
        // Times that may be any are shown as the expected ones, so that they are not what differs.
        let anyTime = wanted.allSatisfy { $0.ts == nil }
        return lines(place, wanted.map { $0.line(showsTime: !anyTime) }, got.map { $0.line(showsTime: !anyTime) })
    }

    private func texts(_ place: String, _ wanted: String, _ got: String) -> Difference {
        func split(_ text: String) -> [String] { text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) }
        return lines(place, split(wanted), split(got))
    }
}

extension ExpectedTopic {
    fileprivate var settingLines: [String] {
        config.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" } + (partitions.map { ["partitions=\($0)"] } ?? [])
    }
}

extension ByteRecord {
    fileprivate func line(showsTime: Bool) -> String {
        let headers = headers.map { " headers \($0.map { "\($0.first.flatMap { $0 } ?? "")=\($0.last.flatMap { $0 } ?? "null")" })" } ?? ""
        return "\(Self.hex(k)) = \(Self.hex(v))\(showsTime ? " @\(ts.map { String($0) } ?? "any")" : "")\(headers)"
    }

    /// Bytes as hexadecimal digits, with what is printable behind them.
    private static func hex(_ base64: String?) -> String {
        guard let base64, let bytes = Base64.bytes(base64) else { return base64 ?? "null" }
        let digits = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        let text = String(decoding: bytes.map { (32..<127).contains($0) ? $0 : UInt8(ascii: ".") }, as: UTF8.self)
        return "\(digits) \"\(text)\""
    }
}
