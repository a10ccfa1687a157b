import MillraceCore

/// What operators behind a table ask of it while the topology is built: old values with its updates, and a way to look rows up.
///
/// Tables that only derive from others have no store; a look-up goes up to the nearest table with one and comes back through the operators in between. The request for old
/// values goes the same way, and only it makes a source keep its rows at all.
///
/// Changed while the builder's calls run, read when tasks are assembled, never at the same time: hence `@unchecked`.
@usableFromInline
class TableView<Key, Value>: @unchecked Sendable {
    /// Whether updates carry the old value.
    private(set) var sendsOldValues = false

    init() {}

    /// Makes updates carry old values from here on.
    ///
    /// - Parameter force: Whether a store may be made for it.
    /// - Returns: Whether they do.
    final func enableOldValues(force: Bool) -> Bool {
        if !sendsOldValues { sendsOldValues = provideOldValues(force: force) }
        return sendsOldValues
    }

    /// Finds out whether old values can be had, asking upwards where needed.
    func provideOldValues(force: Bool) -> Bool { false }

    /// The stores that a look-up reads, to be connected to whoever looks up. To ask is to need them: a source without a store gets one.
    var lookupStores: [String] { [] }

    /// Whether its rows are kept with their history, so that updates out of order can be told.
    var isVersioned: Bool { false }

    /// A look-up, for one task.
    func makeLookup(_ assembly: NodeAssembly) throws -> TableLookup<Key, Value> {
        preconditionFailure("every kind of table overrides this")
    }
}

/// Finds the current row of a key, with its time.
struct TableLookup<Key, Value> {
    let find: (Key) throws -> Row<Value>?
    /// The row as of a time; only where the rows are kept with their history.
    var findAsOf: ((Key, Timestamp) throws -> Row<Value>?)?
}

/// A table whose rows are in a store of its own.
class StoredTableView<Key, Value>: TableView<Key, Value>, @unchecked Sendable {
    let store: String
    let versioned: Bool

    init(store: String, isVersioned: Bool = false) {
        self.store = store
        versioned = isVersioned
    }

    override func provideOldValues(force: Bool) -> Bool { true }
    override var lookupStores: [String] { [store] }
    override var isVersioned: Bool { versioned }

    override func makeLookup(_ assembly: NodeAssembly) throws -> TableLookup<Key, Value> {
        try TableLookup(reading: store, assembly)
    }
}
