import MillraceCore

/// Which rows of one task's store are wanted next.
///
/// Every row has a position, bytes by which the rows of a store are ordered: its key's bytes, before which windowed stores have the number of the segment of time. The positions of
/// several tasks' rows compare too, so their pages can be merged.
struct PageRequest: Sendable {
    /// The first position.
    var lower: [UInt8] = []
    /// The first position behind the last; `nil`: to the end.
    var upper: [UInt8]?
    var reversed = false
    /// How many rows at most.
    var limit: Int
    /// How many rows to look at at most where not all of them are wanted; the next page goes on from there.
    var visits = Int.max

    /// The request for what follows `position`.
    func after(_ position: [UInt8]) -> PageRequest {
        var next = self
        // The first position behind one is the one with a zero byte more.
        if reversed { next.upper = position } else { next.lower = position + [0] }
        return next
    }
}

/// Rows in the order of their positions.
struct StorePage<Row: Sendable>: Sendable {
    var rows: [(position: [UInt8], row: Row)] = []
    /// The position of the row that was looked at last, when there may be more behind it.
    var last: [UInt8]?

    /// Takes a row that was looked at.
    ///
    /// - Parameter row: `nil` for one that is not wanted.
    /// - Returns: Whether to go on.
    mutating func take(_ position: @autoclosure () -> [UInt8], _ row: Row?, _ request: PageRequest, _ visits: inout Int) -> Bool {
        visits += 1
        if let row { rows.append((position(), row)) }
        guard rows.count >= request.limit || visits >= request.visits else { return true }
        last = position()
        return false
    }

    /// The rows of several tasks in order, the first `limit` of them.
    static func merged(_ pages: [StorePage], reversed: Bool, limit: Int) -> [Row] {
        if pages.count == 1 { return pages[0].rows.prefix(limit).map(\.row) }
        var places = pages.map { _ in 0 }
        var merged: [Row] = []
        while merged.count < limit {
            var best: Int?
            for (index, page) in pages.enumerated() where places[index] < page.rows.count {
                guard let other = best else {
                    best = index
                    continue
                }
                let (left, right) = (page.rows[places[index]].position, pages[other].rows[places[other]].position)
                if reversed ? right.lexicographicallyPrecedes(left) : left.lexicographicallyPrecedes(right) { best = index }
            }
            guard let best else { break }
            merged.append(pages[best].rows[places[best]].row)
            places[best] += 1
        }
        return merged
    }
}

/// Reads a page on the thread of the store's worker.
typealias PageReader<Row: Sendable> = @Sendable (any StateStore, PageRequest) throws -> StorePage<Row>
