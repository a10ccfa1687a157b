/// Times as `2026-01-31T12:00:00.250Z`, between text and seconds since 2001, which is how Foundation's `Date` counts.
enum ISO8601 {
    /// The days from 0000-03-01 to 2001-01-01 in the calendar of today, extended backwards.
    private static let daysBefore2001 = 730_791
    private static let secondsOfADay = 86_400

    /// The time in UTC, in as many digits of a second (3, 6 or 9) as bring back the same number; `nil` outside the years 0 to 9999.
    static func text(secondsSince2001 seconds: Double) -> String? {
        guard abs(seconds) < 1e12 else { return nil }
        for (digits, scale) in [(3, 1e3), (6, 1e6), (9, 1e9)] {
            var whole = seconds.rounded(.down)
            var fraction = ((seconds - whole) * scale).rounded()
            if fraction >= scale { (whole, fraction) = (whole + 1, 0) }
            if digits < 9 && whole + fraction / scale != seconds { continue }
            return text(Int(whole), Int(fraction), digits)
        }
        return nil
    }

    private static func text(_ seconds: Int, _ fraction: Int, _ digits: Int) -> String? {
        let day = seconds.floorDivided(by: secondsOfADay)
        let second = seconds - day * secondsOfADay
        let date = date(day: day + daysBefore2001)
        guard (0...9999).contains(date.year) else { return nil }
        return "\(date.year.padded(4))-\(date.month.padded(2))-\(date.day.padded(2))"
            + "T\((second / 3600).padded(2)):\((second / 60 % 60).padded(2)):\((second % 60).padded(2)).\(fraction.padded(digits))Z"
    }

    /// The seconds of a text such as `2026-01-31T12:00:00Z`, with or without a fraction and with `Z` or an offset such as `+01:00`; `nil` for anything else.
    static func secondsSince2001(_ text: UnsafeRawBufferPointer) -> Double? {
        var scanner = Scanner(rest: text[...])
        guard let year = scanner.number(4), scanner.take("-"), let month = scanner.number(2), scanner.take("-"),
            let day = scanner.number(2),
            scanner.take("T") || scanner.take("t") || scanner.take(" "),
            let hour = scanner.number(2), scanner.take(":"), let minute = scanner.number(2), scanner.take(":"),
            let second = scanner.number(2),
            let fraction = scanner.fraction(), let offset = scanner.offset(), scanner.rest.isEmpty,
            (1...12).contains(month), hour < 24, minute < 60, second < 60
        else { return nil }
        let dayNumber = self.day(year: year, month: month, day: day)
        let date = date(day: dayNumber)
        guard date.month == month && date.day == day else { return nil }
        let whole = (dayNumber - daysBefore2001) * secondsOfADay + hour * 3600 + minute * 60 + second - offset
        return Double(whole) + fraction
    }

    // Years begin in March here, so that the leap day is a year's last day, and 400 years are always 146,097 days.

    private static func day(year: Int, month: Int, day: Int) -> Int {
        let marchYear = month > 2 ? year : year - 1
        let era = marchYear.floorDivided(by: 400)
        let yearOfEra = marchYear - era * 400
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    }

    private static func date(day: Int) -> (year: Int, month: Int, day: Int) {
        let era = day.floorDivided(by: 146_097)
        let dayOfEra = day - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = (marchMonth + 2) % 12 + 1
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
    }
}

private struct Scanner {
    var rest: Slice<UnsafeRawBufferPointer>

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest.removeFirst()
        return true
    }

    mutating func digit() -> Int? {
        guard let byte = rest.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
        rest.removeFirst()
        return Int(byte - UInt8(ascii: "0"))
    }

    mutating func number(_ digits: Int) -> Int? {
        var number = 0
        for _ in 0..<digits {
            guard let digit = digit() else { return nil }
            number = number * 10 + digit
        }
        return number
    }

    /// The fraction of a second, 0 when there is none; digits beyond the ninth do not count.
    mutating func fraction() -> Double? {
        guard take(".") || take(",") else { return 0 }
        guard var number = digit() else { return nil }
        var scale = 10.0
        while let digit = digit() {
            guard scale < 1e9 else { continue }
            number = number * 10 + digit
            scale *= 10
        }
        return Double(number) / scale
    }

    /// The offset from UTC in seconds.
    mutating func offset() -> Int? {
        if take("Z") || take("z") { return 0 }
        let sign = take("+") ? 1 : take("-") ? -1 : 0
        guard sign != 0, let hours = number(2), hours < 24 else { return nil }
        _ = take(":")
        guard let minutes = number(2), minutes < 60 else { return nil }
        return sign * (hours * 3600 + minutes * 60)
    }
}

extension Int {
    fileprivate func floorDivided(by divisor: Int) -> Int {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }

    fileprivate func padded(_ width: Int) -> String {
        let digits = String(self)
        return String(repeating: "0", count: Swift.max(0, width - digits.count)) + digits
    }
}
