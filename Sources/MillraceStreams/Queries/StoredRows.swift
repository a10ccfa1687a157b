import MillraceCore

/// Rows of a store, read in small steps as they are asked for.
///
/// Ends when the last row was met. Throws what queries throw, such as when the app stops during the walk.
public struct StoredRows<Row: Sendable>: AsyncSequence, Sendable {
    public typealias Element = Row
    private let place: StorePlace
    private let read: PageReader<Row>
    private let request: @Sendable () throws -> PageRequest
    /// Rows that a task reads at a time.
    private static var pageSize: Int { 256 }

    init(_ place: StorePlace, _ read: @escaping PageReader<Row>, request: @escaping @Sendable () throws -> PageRequest) {
        self.place = place
        self.read = read
        self.request = request
    }

    public func makeAsyncIterator() -> Iterator {
        Iterator(place: place, read: read, makeRequest: request)
    }

    /// Holds the rows that were read ahead, of each task.
    public struct Iterator: AsyncIteratorProtocol {
        /// How far a task's rows are read.
        private struct Part {
            let task: TaskID
            var request: PageRequest
            var rows: ArraySlice<(position: [UInt8], row: Row)> = []
            var isAtEnd = false
        }

        fileprivate let place: StorePlace
        fileprivate let read: PageReader<Row>
        fileprivate let makeRequest: @Sendable () throws -> PageRequest
        private var parts: [Part]?

        fileprivate init(place: StorePlace, read: @escaping PageReader<Row>, makeRequest: @escaping @Sendable () throws -> PageRequest) {
            self.place = place
            self.read = read
            self.makeRequest = makeRequest
        }

        public mutating func next() async throws -> Row? {
            var parts = try self.parts ?? start()
            // Held once, or changing it would copy it.
            self.parts = nil
            var best: Int?
            for index in parts.indices {
                while parts[index].rows.isEmpty, !parts[index].isAtEnd { parts[index] = try await filled(parts[index]) }
                guard let candidate = parts[index].rows.first else { continue }
                guard let other = best, let least = parts[other].rows.first else {
                    best = index
                    continue
                }
                let reversed = parts[index].request.reversed
                let (left, right) = (candidate.position, least.position)
                if reversed ? right.lexicographicallyPrecedes(left) : left.lexicographicallyPrecedes(right) { best = index }
            }
            let row = best.flatMap { parts[$0].rows.popFirst()?.row }
            self.parts = parts
            return row
        }

        private func start() throws -> [Part] {
            var request = try makeRequest()
            request.limit = StoredRows.pageSize
            request.visits = StoredRows.pageSize * 16
            return try place.tasks().map { Part(task: $0, request: request) }
        }

        private func filled(_ part: Part) async throws -> Part {
            let (read, request) = (read, part.request)
            let page = try await place.queries.ask(place.name, of: part.task) { store, _ in try read(store, request) }
            var part = part
            part.rows = page.rows[...]
            part.isAtEnd = page.last == nil
            if let last = page.last { part.request = request.after(last) }
            return part
        }
    }
}

extension KeyValueStore where Key: Sendable, Value: Sendable {
    /// `page`, for a store whose type is not known.
    static var reader: PageReader<StoredRow<Key, Value>> {
        { store, request in try store.typed(KeyValueStore.self).page(request) }
    }
}
