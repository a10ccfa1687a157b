extension String: HasSerde {
    /// UTF-8. Bytes that are not UTF-8 are an error, not replacement characters. Kafka: `StringSerializer`.
    public static var serde: Serde<String> { .string }
}

extension Serde where Value == String {
    /// UTF-8. Bytes that are not UTF-8 are an error, not replacement characters. Kafka: `Serdes.String()`.
    @inlinable public static var string: Serde<String> {
        Serde(
            "string",
            write: { $1.append(utf8: $0) },
            read: { bytes in
                if bytes.isASCII { return String(ascii: bytes) }
                guard let text = String(validating: bytes, as: UTF8.self) else {
                    throw MillraceError(.serialization, "\(bytes.count) bytes are not UTF-8 text")
                }
                return text
            })
    }
}

extension String {
    /// The text of bytes of which none has its top bit set. Several times quicker than to have them validated, and than to have them repaired where they are few.
    @inlinable
    package init(ascii bytes: UnsafeRawBufferPointer) {
        self.init(unsafeUninitializedCapacity: bytes.count) { text in
            UnsafeMutableRawBufferPointer(text).copyMemory(from: bytes)
            return bytes.count
        }
    }
}

extension UnsafeRawBufferPointer {
    /// Whether no byte has its top bit set.
    @inlinable package var isASCII: Bool {
        var bits: UInt64 = 0
        if count >= 8 {
            var index = 0
            while index + 8 <= count {
                bits |= loadUnaligned(fromByteOffset: index, as: UInt64.self)
                index += 8
            }
            // Loads overlap instead of going byte by byte.
            bits |= loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
        } else if count >= 4 {
            bits = UInt64(loadUnaligned(as: UInt32.self) | loadUnaligned(fromByteOffset: count - 4, as: UInt32.self))
        } else {
            for byte in self { bits |= UInt64(byte) }
        }
        return bits & 0x8080_8080_8080_8080 == 0
    }
}

extension Serde where Value == [UInt8] {
    /// The bytes as they are. Kafka: `Serdes.ByteArray()`.
    public static var bytes: Serde<[UInt8]> {
        Serde("bytes", write: { $1.append($0) }, read: { Array($0) })
    }
}

extension Array: HasSerde where Element == UInt8 {
    /// The bytes as they are. Kafka: `Serdes.ByteArray()`.
    public static var serde: Serde<[UInt8]> { .bytes }
}

extension Serde where Value: FixedWidthInteger & Sendable {
    /// Big-endian, in the type's own width. Kafka: `Serdes.Long()` for `Int64` and `Int`, `Integer()` for `Int32`, `Short()` for `Int16`.
    @inlinable public static var bigEndian: Serde<Value> {
        Serde(
            "\(Value.self)",
            write: { $1.append(bigEndian: $0) },
            read: { bytes in
                guard bytes.count == MemoryLayout<Value>.size else {
                    throw MillraceError(
                        .serialization, "a \(Value.self) is \(MemoryLayout<Value>.size) bytes long, not \(bytes.count)")
                }
                return bytes.loadBigEndian()
            })
    }
}

extension Int: HasSerde {
    /// 8 bytes, big-endian, on every platform. Kafka: `Serdes.Long()`.
    public static var serde: Serde<Int> { .bigEndian }
}
extension Int64: HasSerde {
    /// 8 bytes, big-endian. Kafka: `Serdes.Long()`.
    public static var serde: Serde<Int64> { .bigEndian }
}
extension Int32: HasSerde {
    /// 4 bytes, big-endian. Kafka: `Serdes.Integer()`.
    public static var serde: Serde<Int32> { .bigEndian }
}
extension Int16: HasSerde {
    /// 2 bytes, big-endian. Kafka: `Serdes.Short()`.
    public static var serde: Serde<Int16> { .bigEndian }
}
extension Int8: HasSerde {
    /// One byte.
    public static var serde: Serde<Int8> { .bigEndian }
}
extension UInt: HasSerde {
    /// 8 bytes, big-endian, on every platform.
    public static var serde: Serde<UInt> { .bigEndian }
}
extension UInt64: HasSerde {
    /// 8 bytes, big-endian.
    public static var serde: Serde<UInt64> { .bigEndian }
}
extension UInt32: HasSerde {
    /// 4 bytes, big-endian.
    public static var serde: Serde<UInt32> { .bigEndian }
}
extension UInt16: HasSerde {
    /// 2 bytes, big-endian.
    public static var serde: Serde<UInt16> { .bigEndian }
}
extension UInt8: HasSerde {
    /// One byte.
    public static var serde: Serde<UInt8> { .bigEndian }
}

extension Double: HasSerde {
    /// The bits of the number, 8 bytes, big-endian. Kafka: `Serdes.Double()`.
    public static var serde: Serde<Double> {
        let bits = Serde<UInt64>.bigEndian
        return Serde("Double", write: { try bits.writeValue($0.bitPattern, $1) }, read: { Double(bitPattern: try bits.read($0)) })
    }
}

extension Float: HasSerde {
    /// The bits of the number, 4 bytes, big-endian. Kafka: `Serdes.Float()`.
    public static var serde: Serde<Float> {
        let bits = Serde<UInt32>.bigEndian
        return Serde("Float", write: { try bits.writeValue($0.bitPattern, $1) }, read: { Float(bitPattern: try bits.read($0)) })
    }
}

extension Bool: HasSerde {
    /// One byte, 1 or 0; any other is an error. Kafka: `Serdes.Boolean()`.
    public static var serde: Serde<Bool> {
        Serde(
            "Bool", write: { $1.append($0 ? 1 : 0) },
            read: { bytes in
                guard bytes.count == 1, bytes[0] <= 1 else {
                    throw MillraceError(.serialization, "a Bool is one byte, 0 or 1")
                }
                return bytes[0] == 1
            })
    }
}
