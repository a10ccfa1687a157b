import Foundation
import Millrace

/// What is known of a card from its payments so far, in order of arrival.
struct History: Codable, HasSerde, Sendable {
    var count = 0
    var sum = 0
    /// When the latest payment below one unit of currency was made.
    var latestTiny: Int64?
    var latest: Place?

    struct Place: Codable, Sendable {
        var latitude: Double
        var longitude: Double
        var time: Int64
    }
}

/// Judges each payment by the history of its card, then makes it part of that history.
final class HistoryRules: FixedKeyProcessor {
    private let context: FixedKeyProcessorContext<String, Alert>
    private let histories: KeyValueStore<String, History>

    init(_ context: FixedKeyProcessorContext<String, Alert>) throws {
        self.context = context
        histories = try context.store("history")
    }

    func process(_ record: FixedKeyRecord<String, KnownPayment>) throws {
        let payment = record.value.payment
        var history = try histories.get(record.key) ?? History()
        for rule in history.rulesBroken(by: payment) {
            try context.forward(record.with(value: Alert(rule, record.value)))
        }
        history.add(payment)
        try histories.put(record.key, history)
    }
}

extension History {
    func rulesBroken(by payment: Payment) -> [Rule] {
        var rules: [Rule] = []
        if count >= 10, payment.amountCents * count > 5 * sum { rules.append(.amount) }
        if payment.amountCents >= 50_000, let latestTiny, (0...600_000).contains(payment.time - latestTiny) { rules.append(.testing) }
        if let latest, latest.isTooFar(from: payment) { rules.append(.travel) }
        return rules
    }

    mutating func add(_ payment: Payment) {
        count += 1
        sum += payment.amountCents
        if payment.amountCents < 100 { latestTiny = payment.time }
        latest = Place(latitude: payment.latitude, longitude: payment.longitude, time: payment.time)
    }
}

extension History.Place {
    /// Whether one would have had to travel more than 300 km, and faster than 900 km/h.
    func isTooFar(from payment: Payment) -> Bool {
        let kilometres = distance(toLatitude: payment.latitude, longitude: payment.longitude)
        let hours = Double(abs(payment.time - time)) / 3_600_000
        return kilometres > 300 && kilometres > 900 * hours
    }

    /// The great-circle distance in kilometres, by the haversine formula.
    private func distance(toLatitude otherLatitude: Double, longitude otherLongitude: Double) -> Double {
        let radians = Double.pi / 180
        let north = sin((otherLatitude - latitude) * radians / 2)
        let east = sin((otherLongitude - longitude) * radians / 2)
        let chord = north * north + cos(latitude * radians) * cos(otherLatitude * radians) * east * east
        return 2 * 6371.0 * asin(min(1, chord.squareRoot()))
    }
}
