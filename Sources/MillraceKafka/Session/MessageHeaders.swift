import CRdKafka
import MillraceCore
import MillraceFormats

/// The headers of a message that was read, on their way into a record batch. They belong to the message.
struct MessageHeaders {
    private let headers: OpaquePointer?
    /// What they take in a batch, their number included.
    let byteCount: Int

    /// - Throws: `MillraceError` of kind `corruption` when they cannot be read.
    init(_ message: UnsafeMutablePointer<rd_kafka_message_t>) throws {
        var headers: OpaquePointer?
        let code = rd_kafka_message_headers(message, &headers)
        guard code != RD_KAFKA_RESP_ERR__NOENT, let headers else {
            guard code == RD_KAFKA_RESP_ERR__NOENT || code == RD_KAFKA_RESP_ERR_NO_ERROR else {
                throw MillraceError(.corruption, "The headers of the record at offset \(message.pointee.offset) are not valid.")
            }
            self.headers = nil
            byteCount = 1
            return
        }
        self.headers = headers
        var count = Varint.length(zigzag: Int64(rd_kafka_header_cnt(headers)))
        MessageHeaders.forEach(headers) { name, nameSize, value, size in
            count += Varint.length(zigzag: Int64(nameSize)) + nameSize + (value == nil ? 1 : Varint.length(zigzag: Int64(size)) + size)
        }
        byteCount = count
    }

    /// Writes their number and themselves, and returns where they end.
    func write(to target: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        guard let headers else {
            target.storeBytes(of: 0, as: UInt8.self)
            return target + 1
        }
        var place = Varint.write(zigzag: Int64(rd_kafka_header_cnt(headers)), to: target)
        MessageHeaders.forEach(headers) { name, nameSize, value, size in
            place = FetchedBlock.put(name, nameSize, at: place)
            place = FetchedBlock.put(value, size, at: place)
        }
        return place
    }

    private static func forEach(
        _ headers: OpaquePointer, _ body: (_ name: UnsafeRawPointer, _ nameSize: Int, _ value: UnsafeRawPointer?, _ size: Int) -> Void
    ) {
        var index = 0
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var size = 0
        while rd_kafka_header_get_all(headers, index, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR, let text = name {
            body(text, MessageHeaders.length(text), value, size)
            index += 1
        }
    }

    private static func length(_ text: UnsafePointer<CChar>) -> Int {
        var count = 0
        while text[count] != 0 { count += 1 }
        return count
    }

    /// Headers for a message that is to be written, which librdkafka takes over with it.
    static func make(_ headers: Headers) -> OpaquePointer? {
        guard let made = rd_kafka_headers_new(headers.count) else { return nil }
        for header in headers {
            var name = header.name
            name.withUTF8 { name in
                name.withMemoryRebound(to: CChar.self) { name in
                    if let value = header.value {
                        // The pointer of an empty array may be none, which would say null.
                        value.withUnsafeBytes { bytes in
                            withUnsafeBytes(of: UInt8(0)) { nothing in
                                _ = rd_kafka_header_add(
                                    made, name.baseAddress, name.count, bytes.baseAddress ?? nothing.baseAddress, bytes.count)
                            }
                        }
                    } else {
                        _ = rd_kafka_header_add(made, name.baseAddress, name.count, nil, 0)
                    }
                }
            }
        }
        return made
    }
}
