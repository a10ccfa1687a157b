import MillraceCore

extension LogicalGraph {
    /// Marks the nodes that get a versioned table: they see late changes of old versions, and must handle them by the rules of versioned
    /// tables (KIP-914).
    ///
    /// - Throws: `MillraceError` of kind `.topology` for a versioned table that is suppressed.
    func findVersionedInputs() throws(MillraceError) {
        var isVersioned: [ObjectIdentifier: Bool] = [ObjectIdentifier(root): false]
        for node in inBuildOrder() {
            let versionedParents = node.parents.filter { isVersioned[ObjectIdentifier($0)] == true }
            let allAreVersioned = versionedParents.count == node.parents.count
            if node.refusesVersionedInput, allAreVersioned {
                throw MillraceError(
                    .topology,
                    "\(node.name) suppresses the versioned table \(node.parents.map(\.name).joined(separator: ", ")), which is not possible: versions may come in any order. "
                        + "Suppress a table without versions, or leave suppress out.",
                    node: node.name)
            }
            node.versionedInputs = Set(versionedParents.map(\.name))
            isVersioned[ObjectIdentifier(node)] = node.outputIsVersioned ?? allAreVersioned
        }
    }
}
