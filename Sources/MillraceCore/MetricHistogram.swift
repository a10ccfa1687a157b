/// How often values fell into ranges whose bounds are powers of two of a unit: cheap to count, and fine enough to tell milliseconds from seconds.
public struct MetricHistogram: Sendable, Equatable {
    /// What values are counted in.
    public enum Unit: Sendable {
        /// For what a program does: shown from 64 microseconds to a minute, in steps of two.
        case microseconds
        /// For the times of records: shown from a millisecond to twelve days, in steps of four.
        case milliseconds

        /// One unit in seconds.
        public var seconds: Double { self == .microseconds ? 1e-6 : 1e-3 }

        fileprivate var shown: StrideThrough<Int> {
            self == .microseconds ? stride(from: 6, through: 26, by: 1) : stride(from: 0, through: 30, by: 2)
        }
    }

    /// A range and how often a value fell into it or below.
    public struct Bucket: Sendable, Equatable {
        /// The highest value of the range, in seconds.
        public var upperBound: Double
        /// How many values are no higher.
        public var count: Int
    }

    /// How often: entry `n` counts values above 2^(n-1) units, and no higher than 2^n; entry 0 those up to one unit.
    public private(set) var counts: [Int]
    /// The sum of all values, in units.
    public private(set) var sum: Double
    /// What the values are counted in.
    public let unit: Unit

    /// A histogram, empty unless there are counts already.
    ///
    /// - Parameters:
    ///   - counts: As the property has them; at most 64 are taken.
    ///   - sum: In units.
    public init(_ unit: Unit, counts: [Int] = [], sum: Double = 0) {
        self.unit = unit
        self.counts = Array(counts.prefix(64))
        self.sum = sum
    }

    /// The entry of a value.
    @inlinable
    public static func place(of value: Int64) -> Int {
        value <= 1 ? 0 : 64 - (value - 1).leadingZeroBitCount
    }

    /// Counts a value, given in units; negative ones count as 0.
    public mutating func add(_ value: Int64) {
        let place = MetricHistogram.place(of: value)
        if place >= counts.count { counts += [Int](repeating: 0, count: place + 1 - counts.count) }
        counts[place] += 1
        sum += Double(max(0, value))
    }

    /// Adds what another one, of the same unit, has counted.
    public mutating func merge(_ other: MetricHistogram) {
        if other.counts.count > counts.count { counts += [Int](repeating: 0, count: other.counts.count - counts.count) }
        for (place, count) in other.counts.enumerated() { counts[place] += count }
        sum += other.sum
    }

    /// How many values were counted.
    public var count: Int { counts.reduce(0, +) }

    /// The sum of all values in seconds.
    public var seconds: Double { sum * unit.seconds }

    /// What this share of all values do not exceed, in seconds and exact to a factor of two; `nil` when there are none.
    public func quantile(_ share: Double) -> Double? {
        let wanted = Int((Double(count) * share).rounded(.up))
        guard wanted > 0 else { return nil }
        var seen = 0
        for (place, count) in counts.enumerated() {
            seen += count
            if seen >= wanted { return bound(place) }
        }
        return nil
    }

    /// The ranges that are shown: the same for every histogram of one unit, so that those of several apps can be summed. What is above the last of them shows in `count` alone.
    public var buckets: [Bucket] {
        var below = 0
        var next = 0
        return unit.shown.map { place in
            while next <= place, next < counts.count {
                below += counts[next]
                next += 1
            }
            return Bucket(upperBound: bound(place), count: below)
        }
    }

    private func bound(_ place: Int) -> Double {
        Double(UInt64(1) << UInt64(min(place, 63))) * unit.seconds
    }
}
