enum Compaction {
    /// What a compaction writes before it takes the place of what it replaces.
    static let unfinishedSuffix = ".cleaned"
}
