import MillraceCore

/// The static type of the keys or values of a statement's result, which decides their serde.
indirect enum DatumType: Hashable, Sendable {
    case string
    case long
    /// A key of a time window; the size is what readers add to the start, since only the start is written.
    case timeWindow(DatumType, size: Int64)
    case sessionWindow(DatumType)

    /// The standard serde of the type: UTF-8, eight bytes big-endian, or a window's key with its times.
    ///
    /// Strings are written from the text of anything, so a value of another type that lands where strings are expected becomes its text.
    var serde: Serde<Datum> {
        switch self {
        case .string: Self.textSerde
        case .long: Self.numberSerde
        case .timeWindow(let key, let size): Self.timeWindowSerde(key.serde, size: size)
        case .sessionWindow(let key): Self.sessionWindowSerde(key.serde)
        }
    }

    private static let textSerde: Serde<Datum> = {
        let text = Serde<String>.string
        return Serde(
            "text",
            write: { datum, buffer in buffer.append(utf8: datum.text) },
            read: { .text(try text.read($0)) })
    }()

    private static let numberSerde: Serde<Datum> = {
        let number = Serde<Int64>.bigEndian
        return Serde(
            "number",
            write: { datum, buffer in
                guard case .number(let value) = datum else {
                    throw MillraceError(.serialization, "\"\(datum.text)\" is not a count")
                }
                buffer.append(bigEndian: value)
            },
            read: { .number(try number.read($0)) })
    }()

    private static func timeWindowSerde(_ inner: Serde<Datum>, size: Int64) -> Serde<Datum> {
        Serde(
            "time window of \(inner.name)", suffixOutsidePartitioning: 8,
            write: { datum, buffer in
                let (key, start, _) = try parts(of: datum)
                _ = try inner.write(key, to: buffer)
                buffer.append(bigEndian: start)
            },
            read: { bytes in
                let (key, start, _) = try split(bytes, times: 1)
                let end = Timestamp(milliseconds: start).advanced(byMilliseconds: size).milliseconds
                return .windowed(try inner.read(key), start: start, end: end)
            })
    }

    private static func sessionWindowSerde(_ inner: Serde<Datum>) -> Serde<Datum> {
        Serde(
            "session of \(inner.name)", suffixOutsidePartitioning: 16,
            write: { datum, buffer in
                let (key, start, end) = try parts(of: datum)
                _ = try inner.write(key, to: buffer)
                buffer.append(bigEndian: end)
                buffer.append(bigEndian: start)
            },
            read: { bytes in
                let (key, end, start) = try split(bytes, times: 2)
                return .windowed(try inner.read(key), start: start, end: end)
            })
    }

    private static func parts(of datum: Datum) throws -> (Datum, start: Int64, end: Int64) {
        guard case .windowed(let key, let start, let end) = datum else {
            throw MillraceError(.serialization, "\"\(datum.text)\" is not the key of a window")
        }
        return (key, start, end)
    }

    /// The bytes of the key and the one or two times behind it.
    private static func split(_ bytes: UnsafeRawBufferPointer, times: Int) throws -> (UnsafeRawBufferPointer, Int64, Int64) {
        let length = bytes.count - times * 8
        guard length >= 0 else { throw MillraceError(.serialization, "\(bytes.count) bytes are too few for the key of a window") }
        return (
            UnsafeRawBufferPointer(rebasing: bytes[..<length]), bytes.loadBigEndian(at: length),
            times == 2 ? bytes.loadBigEndian(at: length + 8) : 0
        )
    }
}

/// The types of the records of a statement's result, and the windows of a stream that is yet to be aggregated.
struct RecordTypes: Hashable, Sendable {
    var key = DatumType.string
    var value = DatumType.string
    var window: WindowParameters?
}
