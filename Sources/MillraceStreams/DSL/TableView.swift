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
    @usableFromInline private(set) var sendsOldValues = false

    init() {}

    /// Makes updates carry old values from here on.
    ///
    /// - Parameter force: Whether a store may be made for it.
    /// - Returns: Whether they do.
    @usableFromInline
    final func enableOldValues(force: Bool) -> Bool {
        if !sendsOldValues { sendsOldValues = provideOldValues(force: force) }
        return sendsOldValues
    }

    /// Finds out whether old values can be had, asking upwards where needed.
    func provideOldValues(force: Bool) -> Bool { false }

    /// The stores that a look-up reads, to be connected to whoever looks up. To ask is to need them: a source without a store gets one.
    @usableFromInline var lookupStores: [String] { [] }

    /// Whether its rows are kept with their history, so that updates out of order can be told.
    var isVersioned: Bool { false }

    /// A look-up, for one task.
    @usableFromInline
    func makeLookup(_ assembly: NodeAssembly) throws -> TableLookup<Key, Value> {
        preconditionFailure("every kind of table overrides this")
    }
}

/// Finds the current row of a key, with its time.
@usableFromInline
struct TableLookup<Key, Value> {
    @usableFromInline let find: (Key) throws -> Row<Value>?
    /// The row as of a time; only where the rows are kept with their history.
    @usableFromInline var findAsOf: ((Key, Timestamp) throws -> Row<Value>?)?

    @inlinable
    init(find: @escaping (Key) throws -> Row<Value>?, findAsOf: ((Key, Timestamp) throws -> Row<Value>?)? = nil) {
        self.find = find
        self.findAsOf = findAsOf
    }
}

/// A table whose rows are in a store of its own.
@usableFromInline
class StoredTableView<Key, Value>: TableView<Key, Value>, @unchecked Sendable {
    let store: String
    let versioned: Bool
    private let lookup: @Sendable (NodeAssembly) throws -> TableLookup<Key, Value>

    @inlinable
    convenience init(store: String, isVersioned: Bool = false) {
        self.init(store, isVersioned) { try TableLookup(reading: store, $0) }
    }

    /// - Parameter lookup: Compiled for the table's types where they are known.
    @usableFromInline
    init(_ store: String, _ isVersioned: Bool, lookup: @escaping @Sendable (NodeAssembly) throws -> TableLookup<Key, Value>) {
        self.store = store
        self.lookup = lookup
        versioned = isVersioned
    }

    override func provideOldValues(force: Bool) -> Bool { true }
    @usableFromInline override var lookupStores: [String] { [store] }
    override var isVersioned: Bool { versioned }

    @usableFromInline
    override func makeLookup(_ assembly: NodeAssembly) throws -> TableLookup<Key, Value> {
        try lookup(assembly)
    }
}
