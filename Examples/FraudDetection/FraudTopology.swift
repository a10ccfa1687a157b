import Millrace

/// The four rules as a topology: payments are enriched with the holder of their card, judged by a window and by the card's history, and the alerts of both come together.
enum FraudTopology {
    static func make() throws -> Topology {
        let builder = StreamsBuilder()
        let holders: KTable<String, CardHolder> = builder.table("card-holders")
        let payments: KStream<String, Payment> = builder.stream("payments")
        let known = payments.peek { _, payment in try payment.check() }.leftJoin(holders) { payment, holder in
            KnownPayment(payment: payment, holder: holder)
        }

        let bursts =
            known
            .groupByKey()
            .windowedBy(.tumbling(size: .seconds(600), grace: .seconds(60)))
            .aggregate(Burst(), in: "bursts") { _, known, burst in Burst(count: burst.count + 1, latest: known) }
            .toStream()
            .flatMap { window, burst -> [(String, Alert)] in
                guard let burst, burst.count == 6, let latest = burst.latest else { return [] }
                return [(window.key, Alert(.velocity, latest))]
            }

        let suspicions = known.processValues(bringing: [.keyValue("history", key: .string, value: History.serde)]) { context in
            try HistoryRules(context)
        }

        bursts.merge(with: suspicions).to("alerts")
        return try builder.build()
    }
}

/// The payments of one card within one window.
struct Burst: Codable, HasSerde, Sendable {
    var count = 0
    var latest: KnownPayment?
}
