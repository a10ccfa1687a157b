import Foundation
import Millrace

/// The programs that the members run; `JavaNumbers.java` has the same ones, for Kafka Streams.
enum NumbersTopology: String {
    /// How many numbers ended in the same digits.
    case counts
    /// The same in windows of 20 seconds.
    case windows
    /// The count twice, by two tables whose repartition topics have to be partitioned alike, joined to its double.
    case joined

    /// What `TOPOLOGY` in the environment asks for.
    static let chosen = NumbersTopology(rawValue: ProcessInfo.processInfo.environment["TOPOLOGY"] ?? "counts") ?? .counts

    /// How many results tell of a number.
    var resultsPerNumber: Int { self == .joined ? 2 : 1 }

    func build(from input: String, to output: String) throws -> Topology {
        let builder = StreamsBuilder()
        let numbers = builder.stream(input, value: .string)
        let ending = { @Sendable (_: [UInt8]?, number: String) in "\((Int(number) ?? 0) % Numbers.endings)" }
        switch self {
        case .counts: numbers.groupBy(ending).count(in: "counts-by-ending").toStream().to(output)
        case .windows:
            numbers.groupBy(ending)
                .windowedBy(.tumbling(size: .seconds(20), grace: .seconds(24 * 3600)))
                .count(in: "counts-by-time")
                .toStream { windowed, _ in "\(windowed.key)@\(windowed.window.start)" }
                .to(output)
        case .joined:
            let once = numbers.groupBy(ending).count(in: "counts-by-ending")
            let again = numbers.groupBy(ending).count(in: "counts-again")
            once.outerJoin(again) { ($0 ?? 0) + ($1 ?? 0) }.toStream().to(output)
        }
        return try builder.build()
    }

    /// The key of the result that tells of a number.
    func key(of number: Int, at timestamp: Timestamp) -> String {
        let ending = "\(number % Numbers.endings)"
        return self == .windows ? "\(ending)@\(timestamp.milliseconds / 20_000 * 20_000)" : ending
    }
}
