extension Sequence<MetricFamily> {
    /// The metrics in Prometheus' text format, version 0.0.4, which every monitoring system can read: to be served as `text/plain; version=0.0.4; charset=utf-8`.
    ///
    /// Metrics without a value are left out.
    public var prometheusText: String {
        var text = PrometheusText()
        for family in self { text.append(family) }
        return text.text
    }
}

/// Writes metrics in Prometheus' text format.
private struct PrometheusText {
    var text = ""

    mutating func append(_ family: MetricFamily) {
        guard !family.samples.isEmpty else { return }
        let name = family.prometheusName
        text += "# HELP \(name) \(escaped(family.help, quotes: false))\n# TYPE \(name) \(family.kind.rawValue)\n"
        for sample in family.samples {
            switch sample.value {
            case .number(let number): line(name, sample.labels, number)
            case .summary(let count, let sum): countAndSum(name, sample.labels, count, sum)
            case .histogram(let histogram):
                for bucket in histogram.buckets {
                    line(name + "_bucket", sample.labels + [.init("le", number(bucket.upperBound))], Double(bucket.count))
                }
                line(name + "_bucket", sample.labels + [.init("le", "+Inf")], Double(histogram.count))
                countAndSum(name, sample.labels, histogram.count, histogram.seconds)
            }
        }
    }

    private mutating func countAndSum(_ name: String, _ labels: [MetricSample.Label], _ count: Int, _ sum: Double) {
        line(name + "_sum", labels, sum)
        line(name + "_count", labels, Double(count))
    }

    private mutating func line(_ name: String, _ labels: [MetricSample.Label], _ value: Double) {
        text += name
        if !labels.isEmpty {
            let list = labels.map { "\($0.name)=\"\(escaped($0.value, quotes: true))\"" }
            text += "{\(list.joined(separator: ","))}"
        }
        text += " \(number(value))\n"
    }

    private func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if let whole = Int64(exactly: value) { return "\(whole)" }
        return "\(value)"
    }

    private func escaped(_ text: String, quotes: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
