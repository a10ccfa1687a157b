import FoundationEssentials
import MillraceCore

extension Data: HasSerde {
    /// The bytes as they are. Kafka: `Serdes.ByteArray()`.
    public static var serde: Serde<Data> { .data }
}

extension Serde where Value == Data {
    /// The bytes as they are. Kafka: `Serdes.ByteArray()`.
    public static var data: Serde<Data> {
        Serde("data", write: { data, buffer in data.withUnsafeBytes { buffer.append($0) } }, read: { Data($0) })
    }
}

extension UUID: HasSerde {
    /// The text of the UUID, in lower case, as Kafka writes it. Kafka: `Serdes.UUID()`.
    public static var serde: Serde<UUID> { .uuid }
}

extension Serde where Value == UUID {
    /// The text of the UUID, in lower case, as Kafka writes it. Kafka: `Serdes.UUID()`.
    public static var uuid: Serde<UUID> {
        Serde(
            "uuid", write: { $1.append(utf8: $0.uuidString.lowercased()) },
            read: { bytes in
                guard bytes.count == 36, let uuid = UUID(uuidString: String(decoding: bytes, as: UTF8.self)) else {
                    throw MillraceError(.serialization, "\(bytes.count) bytes are not the text of a UUID")
                }
                return uuid
            })
    }
}
