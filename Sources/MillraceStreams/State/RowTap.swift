import MillraceCore

/// Tells of each change of an overlay's rows, once a commit, with what was there before: made only while somebody watches.
@usableFromInline
final class RowTap<Value> {
    /// The rows that were written since the last commit, as they were then, by slot.
    private var before: [Int: Row<Value>] = [:]
    private let listeners: RowListeners<Value>
    private let segment: Int64

    init(_ listeners: RowListeners<Value>, segment: Int64 = 0) {
        self.listeners = listeners
        self.segment = segment
    }

    /// Notes a row that is about to be written for the first time since the last commit.
    @usableFromInline
    func note(_ row: Row<Value>, _ slot: Int) {
        before[slot] = row
    }

    /// Tells of a row that is being committed, before the disk gets it.
    @usableFromInline
    func commit(_ row: Row<Value>, _ slot: Int, in overlay: Overlay<Value>) throws {
        var old = before.removeValue(forKey: slot)
        // A row that was written without being looked up: the disk has what was committed last.
        if let unknown = old, unknown.value == nil, unknown.mayBeOnDisk, !unknown.isUnsaved {
            old = try overlay.load(overlay.keys.key(of: slot))
        }
        guard old?.value != nil || row.value != nil else { return }
        for listener in listeners.all { listener.body(segment, overlay.keys.key(of: slot), old?.value, row) }
    }
}

/// Those who are told of the changes of one store.
@usableFromInline
final class RowListeners<Value> {
    typealias Body = (_ segment: Int64, _ key: UnsafeRawBufferPointer, _ old: Value?, _ new: Row<Value>) -> Void
    fileprivate var all: [(owner: AnyObject, body: Body)] = []
}

extension Overlay {
    /// Tells `body` of changes from now on. Only when no row is dirty.
    func listen(_ owner: AnyObject, _ body: @escaping RowListeners<Value>.Body) {
        let listeners = listeners ?? RowListeners()
        listeners.all.append((owner, body))
        self.listeners = listeners
        tap = RowTap(listeners)
    }

    func stopListening(_ owner: AnyObject) {
        listeners?.all.removeAll { $0.owner === owner }
        if listeners?.all.isEmpty == true { (listeners, tap) = (nil, nil) }
    }
}

extension SegmentedOverlay {
    /// Tells `body` of changes from now on. Only when no row is dirty.
    func listen(_ owner: AnyObject, _ body: @escaping RowListeners<Value>.Body) {
        let listeners = listeners ?? RowListeners()
        listeners.all.append((owner, body))
        self.listeners = listeners
        for segment in segments { segment.overlay.tap = RowTap(listeners, segment: segment.id) }
    }

    func stopListening(_ owner: AnyObject) {
        listeners?.all.removeAll { $0.owner === owner }
        guard listeners?.all.isEmpty == true else { return }
        listeners = nil
        for segment in segments { segment.overlay.tap = nil }
    }
}
