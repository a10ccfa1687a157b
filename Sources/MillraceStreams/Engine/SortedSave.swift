import MillraceCore

/// Brings the rows of stores to the disk in files of their own, sorted as the database wants them, past its memory tables: a fraction of what writing them there costs.
struct SortedSave {
    /// A store's rows, and how far along its changelog they are; `nil`: as far as before.
    struct Part {
        let store: any StateStore
        let backing: Backing
        let position: StateDirectory.Position?
    }

    private let parts: [Part]

    init(parts: [Part]) {
        // Keys must come in order, and begin with these.
        self.parts = parts.sorted { $0.backing.prefix.lexicographicallyPrecedes($1.backing.prefix) }
    }

    /// Writes all rows and positions, of which a crash leaves all or nothing.
    ///
    /// - Parameter batch: Receives what may follow later, as the deletion of expired rows.
    func write(to database: any ByteStore, _ batch: any ByteStoreBatch) throws {
        try database.load { entries in
            // The keys of positions come before those of all rows.
            for part in parts {
                guard let position = part.position else { continue }
                let row = StateDirectory.positionRow(position, of: part.backing)
                try row.key.withUnsafeBytes { key in try row.value.withUnsafeBytes { try entries.put(key, $0) } }
            }
            for part in parts { try part.store.save(to: entries, batch) }
        }
    }
}
