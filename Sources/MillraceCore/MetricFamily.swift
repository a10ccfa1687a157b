/// A metric as monitoring systems know it: a documented name, what it means, and its values by labels.
///
/// The names are listed in `docs/metrics.md`. They are words joined by dots, the unit last: `millrace.commit.duration.seconds`. Prometheus writes them with underscores, and counters
/// with `_total` behind (`prometheusName`).
public struct MetricFamily: Sendable, Equatable {
    /// What the values of a metric are.
    public enum Kind: String, Sendable {
        /// A number that only grows while the app runs.
        case counter
        /// A number that goes up and down.
        case gauge
        /// How often values fell into ranges, how many there were, and their sum.
        case histogram
        /// How many values there were, and their sum.
        case summary
    }

    /// The documented name, with dots.
    public var name: String
    /// One sentence.
    public var help: String
    /// What the values are.
    public var kind: Kind
    /// The values, each with its labels.
    public var samples: [MetricSample]

    /// A metric with its values.
    public init(_ name: String, _ kind: Kind, _ help: String, _ samples: [MetricSample] = []) {
        self.name = name
        self.kind = kind
        self.help = help
        self.samples = samples
    }

    /// The name as Prometheus has it: `millrace_records_read_total`. Whatever its rules do not allow becomes an underscore.
    public var prometheusName: String {
        var characters = name.utf8.map { byte -> UInt8 in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): byte
            default: UInt8(ascii: "_")
            }
        }
        if let first = characters.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) {
            characters.insert(UInt8(ascii: "_"), at: 0)
        }
        return String(decoding: characters, as: UTF8.self) + (kind == .counter ? "_total" : "")
    }
}

/// One value of a metric.
public struct MetricSample: Sendable, Equatable {
    /// A label: what sets this value of the metric apart from its others.
    public struct Label: Sendable, Hashable {
        /// The label's name: lower case letters and underscores.
        public var name: String
        /// Any text.
        public var value: String

        /// A label.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// The value.
    public enum Value: Sendable, Equatable {
        /// Of a counter or gauge.
        case number(Double)
        /// Of a histogram.
        case histogram(MetricHistogram)
        /// Of a summary.
        case summary(count: Int, sum: Double)
    }

    /// In the order in which they are shown.
    public var labels: [Label]
    /// The value, in the unit that the metric's name ends with.
    public var value: Value

    /// A value with its labels.
    public init(_ labels: [Label], _ value: Value) {
        self.labels = labels
        self.value = value
    }

    /// A number with its labels.
    public init(_ labels: [Label], _ number: some BinaryInteger) {
        self.init(labels, .number(Double(number)))
    }
}
