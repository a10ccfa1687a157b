extension Serde {
    /// The same serde, with a version in front of each value's bytes, for types that may change later.
    ///
    ///     let payments = Serde.json(Payment.self).versioned(1)
    ///
    /// Costs four bytes a value. Bytes without a version are refused; give `migratingFrom` for values that were written before there was one.
    ///
    /// - Parameter version: From 0 on, greater with each change of the type.
    public func versioned(_ version: UInt8) -> Serde {
        let name = name
        return withVersion(version) { bytes, found in
            throw MillraceError(
                .serialization,
                found.map { "\(name) of version \($0) cannot be read: this serde knows version \(version) only." }
                    ?? "\(name) has no version: it was written before the serde had one. Add migratingFrom: with the serde that wrote it.")
        }
    }

    /// The same serde, with a version in front of each value's bytes, which also reads what an older serde wrote, by turning it into values of today.
    ///
    ///     let payments = Serde.json(Payment.self).versioned(2, migratingFrom: .json(PaymentWithoutCurrency.self)) { old in
    ///         Payment(cents: old.cents, currency: "EUR")
    ///     }
    ///
    /// Values are turned over when they are read, wherever they are: in stores, changelogs, repartition topics and topics of others. What is written has the new form, so a store
    /// holds both for a while, and nothing stands still for the change. The older serde may have a version too, and migrate from a still older one. There is no way back: what
    /// this serde wrote, the older one refuses.
    ///
    /// For values only. Keys are what stores and partitions find rows by, as bytes: a key in a new form is another key.
    ///
    /// - Parameters:
    ///   - version: Greater than that of `old`, if it has one.
    ///   - old: Reads what was written before. Bytes are taken for its own unless they begin with `FF 00 6D` and a version; no text, JSON or number that is likely to occur does.
    ///   - migrate: Makes a value of today from an old one. What it throws is treated as bytes that cannot be read.
    public func versioned<Old>(
        _ version: UInt8, migratingFrom old: Serde<Old>, _ migrate: @escaping @Sendable (Old) throws -> Value
    ) -> Serde {
        let name = name
        return withVersion(version) { bytes, found in
            if let found, found > version {
                throw MillraceError(
                    .serialization,
                    "\(name) of version \(found) cannot be read: this serde knows versions up to \(version). Run the newer program again.")
            }
            return try migrate(old.read(bytes))
        }
    }

    /// - Parameter readOther: Reads bytes of another version, which is given, or of none.
    private func withVersion(
        _ version: UInt8, readOther: @escaping @Sendable (UnsafeRawBufferPointer, UInt8?) throws -> Value
    ) -> Serde {
        let (writeValue, readValue) = (writeValue, readValue)
        let write: @Sendable (Value, ByteBuffer) throws -> Void = { value, buffer in
            VersionMark.append(version, to: buffer)
            try writeValue(value, buffer)
        }
        let read: @Sendable (UnsafeRawBufferPointer) throws -> Value = { bytes in
            let found = VersionMark.version(of: bytes)
            guard found == version else { return try readOther(bytes, found) }
            return try readValue(UnsafeRawBufferPointer(rebasing: bytes[VersionMark.length...]))
        }
        guard let nullTest, let makeNull else {
            return Serde("\(name) version \(version)", suffixOutsidePartitioning: suffixOutsidePartitioning, write: write, read: read)
        }
        return Serde(
            name: "\(name) version \(version)", suffixOutsidePartitioning: suffixOutsidePartitioning, write: write, read: read,
            isNull: nullTest, makeNull: makeNull)
    }
}

/// What stands before values with a version: three bytes that begin neither text (FF is no UTF-8) nor JSON, then the version.
private enum VersionMark {
    static let length = 4

    static func append(_ version: UInt8, to buffer: ByteBuffer) {
        buffer.append(0xFF)
        buffer.append(0x00)
        buffer.append(0x6D)
        buffer.append(version)
    }

    static func version(of bytes: UnsafeRawBufferPointer) -> UInt8? {
        guard bytes.count >= length, bytes[0] == 0xFF, bytes[1] == 0x00, bytes[2] == 0x6D else { return nil }
        return bytes[3]
    }
}
