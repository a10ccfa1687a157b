#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

// Types of Foundation whose own `Codable` conformance is not what people expect in JSON. This is the only file that knows Foundation.

extension JSONDocument {
    /// The value at `index`, if its type is one of Foundation's that has a form of its own in JSON.
    func foundationValue<Value>(_ type: Value.Type, at index: Int) throws -> Value? {
        if Value.self == Date.self { return unsafeBitCast(try date(at: index), to: Value.self) }
        if Value.self == Data.self { return try data(at: index) as? Value }
        if Value.self == URL.self { return try url(at: index) as? Value }
        return nil
    }

    private func date(at index: Int) throws -> Date {
        guard kind(at: index) == .string else { return Date(timeIntervalSince1970: try double(at: index) / 1000) }
        guard let seconds = ISO8601.secondsSince2001(utf8(at: index)) else {
            throw unfit("the string is not a time in ISO 8601, such as 2026-01-31T12:00:00Z", at: index)
        }
        return Date(timeIntervalSinceReferenceDate: seconds)
    }

    private func data(at index: Int) throws -> Data {
        guard let data = Data(base64Encoded: try string(at: index)) else { throw unfit("the string is not base64", at: index) }
        return data
    }

    private func url(at index: Int) throws -> URL {
        guard let url = URL(string: try string(at: index)) else { throw unfit("the string is not a URL", at: index) }
        return url
    }

    private func unfit(_ text: String, at index: Int) -> DecodingError {
        .dataCorrupted(.init(codingPath: path(to: index), debugDescription: text))
    }
}

extension JSONWriter {
    /// Writes `value` and returns `true`, if its type is one of Foundation's that has a form of its own in JSON.
    func foundationValue<Value>(_ value: Value, at key: (any CodingKey)?) throws -> Bool {
        if Value.self == Date.self {
            let date = unsafeBitCast(value, to: Date.self)
            guard let text = ISO8601.text(secondsSince2001: date.timeIntervalSinceReferenceDate) else {
                throw invalid(value, at: key, "the date lies outside the years 0 to 9999, which have a form in JSON")
            }
            buffer.append(jsonText: text)
            return true
        }
        if Value.self == Data.self, let data = value as? Data {
            buffer.append(jsonText: data.base64EncodedString())
            return true
        }
        if Value.self == URL.self, let url = value as? URL {
            buffer.append(jsonText: url.absoluteString)
            return true
        }
        return false
    }
}
