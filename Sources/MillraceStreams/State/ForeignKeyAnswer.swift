import MillraceCore

/// What the right table's side of a foreign-key join tells a left row: the row that it points at, or that there is none.
///
/// Kafka: `SubscriptionResponseWrapper`.
struct ForeignKeyAnswer<Value> {
    /// Of the left row's value when it asked; `nil` when it had been deleted.
    var hash: ValueHash?
    /// `nil`: there is no such row.
    var value: Value?
    /// Where the left row is; not written.
    var primaryPartition: Partition?
}

/// The bytes of answers: version 0 (1; the top bit says that there is no hash), hash (16), and the right row's value, or nothing for none.
///
/// A value of no bytes cannot be told from none and is read as none, as in Kafka Streams.
struct ForeignKeyAnswerFormat<Value> {
    let value: Serde<Value>

    private static var noHash: UInt8 { 0x80 }

    var serde: Serde<ForeignKeyAnswer<Value>> {
        let format = self
        return Serde("answer of \(value.name)", write: { try format.write($0, to: $1) }, read: { try format.read($0) })
    }

    private func write(_ answer: ForeignKeyAnswer<Value>, to buffer: ByteBuffer) throws {
        buffer.append(answer.hash == nil ? Self.noHash : 0)
        answer.hash?.write(to: buffer)
        if let row = answer.value { _ = try value.write(row, to: buffer) }
    }

    private func read(_ bytes: UnsafeRawBufferPointer) throws -> ForeignKeyAnswer<Value> {
        guard let first = bytes.first else {
            throw MillraceError(.corruption, "An answer of a foreign-key join has no bytes; something else wrote to its topic.")
        }
        guard first & ~Self.noHash == 0 else {
            throw MillraceError(
                .serialization,
                "An answer of a foreign-key join has version \(first & ~Self.noHash), which a newer app wrote. Upgrade this one first.")
        }
        let hasHash = first & Self.noHash == 0
        let start = hasHash ? 1 + ValueHash.size : 1
        guard bytes.count >= start else {
            throw MillraceError(.corruption, "An answer of a foreign-key join is cut off after \(bytes.count) bytes.")
        }
        let row = UnsafeRawBufferPointer(rebasing: bytes[start...])
        return ForeignKeyAnswer(
            hash: hasHash ? ValueHash(reading: bytes, at: 1) : nil, value: row.isEmpty ? nil : try value.read(row), primaryPartition: nil)
    }
}
