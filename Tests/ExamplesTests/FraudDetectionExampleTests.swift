import Foundation
import Testing

/// Fraud detection as a user meets it: the real program, killed for real.
@Suite(.serialized) struct FraudDetectionExampleTests {
    private let program = ExampleProcess(name: "FraudDetection")
    private let directory = TestDirectory()

    private func payment(_ id: Int, card: Int, cents: Int, seconds: Int, latitude: Double = 48) -> String {
        #"{"id":"p\#(id)","card":"card-\#(card)","merchant":"m","amountCents":\#(cents),"latitude":\#(latitude),"longitude":11.5,"time":\#(1_767_225_600_000 + seconds * 1000)}"#
    }

    /// For each card: twelve quiet payments an hour apart, then at least one break of each rule. In order of time, as windows need it.
    private var payments: String {
        var lines: [(seconds: Int, text: String)] = []
        func pay(_ id: Int, _ card: Int, _ cents: Int, _ seconds: Int, latitude: Double = 48) {
            lines.append((seconds, payment(id, card: card, cents: cents, seconds: seconds, latitude: latitude)))
        }
        for card in 0..<40 {
            let hour = 3600
            for number in 0..<12 { pay(card * 100 + number, card, 1000, number * hour) }
            let later = 20 * hour
            pay(card * 100 + 20, card, 90_000, later)
            pay(card * 100 + 21, card, 50, later + 2 * hour)
            pay(card * 100 + 22, card, 50_000, later + 2 * hour + 600)
            pay(card * 100 + 23, card, 1000, later + 10 * hour)
            pay(card * 100 + 24, card, 1000, later + 10 * hour + 60, latitude: 58)
            for number in 0..<7 { pay(card * 100 + 30 + number, card, 1000, later + 30 * hour + number, latitude: 58) }
        }
        return lines.enumerated().sorted { ($0.element.seconds, $0.offset) < ($1.element.seconds, $1.offset) }.map {
            $0.element.text + "\n"
        }.joined()
    }

    private var expected: String {
        (0..<40).flatMap { card in
            [(20, "amount"), (22, "amount"), (22, "testing"), (24, "travel"), (35, "velocity")].map {
                "p\(card * 100 + $0.0)\tcard-\(card)\t\($0.1)\n"
            }
        }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.joined()
    }

    @Test func raisesAnAlertForEachBreakOfARule() throws {
        try directory.write(payments, to: "payments")
        let outcome = try program.run([
            "--input", directory.path("payments"), "--data", directory.path("data"), "--output", directory.path("alerts"),
        ])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(try directory.read("alerts") == expected)
        #expect(outcome.output.contains("velocity: payment p35 with card-0"))
    }

    @Test(arguments: [(1, 1), (4, 2)]) func survivesKills(partitions: Int, threads: Int) throws {
        try directory.write(payments, to: "payments")
        let arguments = [
            "--input", directory.path("payments"), "--output", directory.path("alerts"), "--top", "0", "--partitions", "\(partitions)",
            "--threads",
            "\(threads)",
        ]
        _ = try program.runKilled(arguments, data: directory.path("data"), kills: 6, seed: UInt64(partitions))
        #expect(try directory.read("alerts") == expected)
    }

    @Test func putsBrokenPaymentsAside() throws {
        try directory.write("{\"id\":\n" + payments + "[]\n", to: "payments")
        let outcome = try program.run([
            "--input", directory.path("payments"), "--data", directory.path("data"), "--output", directory.path("alerts"),
        ])
        #expect(outcome.status == 0)
        #expect(try directory.read("alerts") == expected)
        #expect(outcome.errors.contains("2 records were left out"), "\(outcome.errors)")
    }

    @Test func putsPaymentsAsideThatCannotBe() throws {
        let absurd =
            (0..<3).map { payment(9_000 + $0, card: 0, cents: .max, seconds: $0) } + [
                payment(9_100, card: 1, cents: 5, seconds: -2_000_000_000)
            ]
        try directory.write(absurd.map { $0 + "\n" }.joined() + payments, to: "payments")
        let outcome = try program.run([
            "--input", directory.path("payments"), "--data", directory.path("data"), "--output", directory.path("alerts"),
        ])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(try directory.read("alerts") == expected)
        #expect(outcome.errors.contains("4 records were left out"), "\(outcome.errors)")
    }

    @Test func processesWhatComesBeforeTheEndOfATruncatedFile() throws {
        try directory.write(payments, to: "payments")
        let gzip = Process()
        gzip.executableURL = URL(fileURLWithPath: "/bin/gzip")
        gzip.arguments = ["-k", directory.path("payments")]
        try gzip.run()
        gzip.waitUntilExit()
        let whole = try Data(contentsOf: URL(fileURLWithPath: directory.path("payments.gz")))
        try whole.dropLast(whole.count / 3).write(to: URL(fileURLWithPath: directory.path("part.gz")))
        let arguments = ["--data", directory.path("data"), "--output", directory.path("alerts"), "--input"]
        let outcome = try program.run(arguments + [directory.path("part.gz")])
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("is broken behind byte"), "\(outcome.errors)")
        try whole.write(to: URL(fileURLWithPath: directory.path("part.gz")))
        #expect(try program.run(arguments + [directory.path("part.gz")]).status == 0)
        #expect(try directory.read("alerts") == expected)
    }
}
