import ExampleSupport
import Millrace

/// Raises alerts for card payments that break a rule, as they happen.
@main
struct FraudDetection {
    static func main() async {
        await ExampleRun.main(
            .init(
                name: "FraudDetection", applicationID: "fraud-detection",
                summary: "Raises alerts for card payments that break one of four rules, exactly once, whatever happens on the way.",
                input:
                    "Read payments from this file, plain or gzip, instead of generated ones; - for standard input. One JSON object a line.",
                topics: ["payments", "card-holders", "alerts", "payments-dead-letters"], topology: FraudTopology.make
            ) { run, topology in
                try run.fill("card-holders", with: GeneratedPayments.cardHolders(), key: .string, value: CardHolder.serde)
                let generated = run.options.data + "/generated-payments.jsonl"
                if run.options.input == nil { try GeneratedPayments.write(to: generated) }
                let alerts = try run.follow("alerts", value: Alert.serde) { alert in
                    let holder = alert.holder.map { " of \($0.name), \($0.country)" } ?? ""
                    print("\(alert.rule.rawValue): payment \(alert.payment) with \(alert.card)\(holder)")
                }
                let isComplete = try await run.process(
                    topology, input: generated, into: "payments",
                    failures: FailurePolicies(
                        deserialization: .deadLetter(topic: "payments-dead-letters"),
                        processing: .deadLetter(topic: "payments-dead-letters"),
                        deadLettersOfDropped: [.late: "payments-dead-letters"]), parse: record)
                alerts.finish()
                try report(run, isComplete: isComplete)
            })
    }

    /// The record of a line: its key is the card, its time the payment's. A line that is no payment goes on as it is, for the app to put aside, and with a time that does not make
    /// others late; so does a payment from before 1970, which is no time for a record.
    @Sendable
    private static func record(
        _ line: UnsafeRawBufferPointer, _ number: Int64
    ) -> (key: [UInt8]?, value: UnsafeRawBufferPointer, timestamp: Timestamp)? {
        guard let payment = try? Payment.serde.read(line) else { return ([], line, 0) }
        return (Array(payment.card.utf8), line, Timestamp(milliseconds: max(payment.time, 0)))
    }

    private static func report(_ run: ExampleRun, isComplete: Bool) throws {
        let alerts = try run.values(of: "alerts", value: Alert.serde)
        if let path = run.options.output {
            try OutputFile.write(
                alerts.map { "\($0.payment)\t\($0.card)\t\($0.rule.rawValue)" }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) },
                to: path)
        }
        print("\(alerts.count) alerts\(isComplete ? "" : " so far (stopped before the end; start again to go on)")")
        let counts = Dictionary(grouping: alerts, by: \.rule.rawValue).mapValues { Int64($0.count) }
        if run.options.top > 0 {
            print(BarChart.text(counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { ($0.key, $0.value) }), terminator: "")
        }
    }
}
