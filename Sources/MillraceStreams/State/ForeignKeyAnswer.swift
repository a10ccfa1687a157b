import MillraceCore

/// What the right table's side of a foreign-key join tells a left row: the row that it points at, or that there is none.
///
/// Kafka: `SubscriptionResponseWrapper`.
@usableFromInline
struct ForeignKeyAnswer<Value> {
    /// Of the left row's value when it asked; `nil` when it had been deleted.
    @usableFromInline var hash: ValueHash?
    /// `nil`: there is no such row.
    @usableFromInline var value: Value?
    /// Where the left row is; not written.
    @usableFromInline var primaryPartition: Partition?

    @inlinable
    init(hash: ValueHash?, value: Value?, primaryPartition: Partition?) {
        self.hash = hash
        self.value = value
        self.primaryPartition = primaryPartition
    }
}

/// The bytes of answers: version 0 (1; the top bit says that there is no hash), hash (16), and the right row's value, or nothing for none.
///
/// A value of no bytes cannot be told from none and is read as none, as in Kafka Streams.
@usableFromInline
struct ForeignKeyAnswerFormat<Value>: Sendable {
    @usableFromInline let value: Serde<Value>

    @inlinable
    init(value: Serde<Value>) {
        self.value = value
    }

    @inlinable static var noHash: UInt8 { 0x80 }

    @inlinable var serde: Serde<ForeignKeyAnswer<Value>> {
        let format = self
        return Serde("answer of \(value.name)", write: { try format.write($0, to: $1) }, read: { try format.read($0) })
    }

    @inlinable
    func write(_ answer: ForeignKeyAnswer<Value>, to buffer: ByteBuffer) throws {
        buffer.append(answer.hash == nil ? Self.noHash : 0)
        answer.hash?.write(to: buffer)
        if let row = answer.value { _ = try value.write(row, to: buffer) }
    }

    @inlinable
    func read(_ bytes: UnsafeRawBufferPointer) throws -> ForeignKeyAnswer<Value> {
        guard let first = bytes.first else {
            throw empty
        }
        guard first & ~Self.noHash == 0 else {
            throw newer(first & ~Self.noHash)
        }
        let hasHash = first & Self.noHash == 0
        let start = hasHash ? 1 + ValueHash.size : 1
        guard bytes.count >= start else {
            throw cutOff(bytes.count)
        }
        let row = UnsafeRawBufferPointer(rebasing: bytes[start...])
        return ForeignKeyAnswer(
            hash: hasHash ? ValueHash(reading: bytes, at: 1) : nil, value: row.isEmpty ? nil : try value.read(row), primaryPartition: nil)
    }
    @usableFromInline var empty: MillraceError {
        MillraceError(.corruption, "An answer of a foreign-key join has no bytes; something else wrote to its topic.")
    }

    @usableFromInline
    func newer(_ version: UInt8) -> MillraceError {
        MillraceError(
            .serialization, "An answer of a foreign-key join has version \(version), which a newer app wrote. Upgrade this one first.")
    }

    @usableFromInline
    func cutOff(_ count: Int) -> MillraceError {
        MillraceError(.corruption, "An answer of a foreign-key join is cut off after \(count) bytes.")
    }
}
