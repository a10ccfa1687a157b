/// How rows that stores have kept over several commits come to the disk with one of them.
package enum SaveKind: Equatable {
    /// They wait for a later commit.
    case none
    /// In the commit's batch: what is little costs no files of its own.
    case inBatch
    /// In sorted files, past the database's memory; see `SortedSave`.
    case sorted

    /// - Parameters:
    ///   - unsavedBytes: Roughly what is to be written.
    ///   - leastSorted: What is less goes in the batch.
    init(unsavedBytes: Int, leastSorted: Int) {
        self = unsavedBytes < leastSorted ? .inBatch : .sorted
    }

    /// Whether the rows of a store go into the commit's batch.
    func usesBatch(_ store: any StateStore) -> Bool {
        switch self {
        case .none: !store.canSaveLater
        case .inBatch: true
        case .sorted: !store.savesSorted
        }
    }
}
