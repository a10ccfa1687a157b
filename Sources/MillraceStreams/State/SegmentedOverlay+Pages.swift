import MillraceCore

extension SegmentedOverlay {
    /// Calls `body` for the rows of a request whose segments may hold rows of these times, until it returns `false`. Positions are the segment's number in 8 bytes and the key.
    func forEachRow(
        in request: PageRequest, from first: Int64, to last: Int64,
        _ body: (_ segment: Int64, UnsafeRawBufferPointer, Row<Value>) throws -> Bool
    ) throws {
        guard max(first, firstTimeKept) <= last else { return }
        let ids = max(first, firstTimeKept) / interval...last / interval
        let inRange = segments.filter { ids.contains($0.id) }
        for segment in request.reversed ? inRange.reversed() : Array(inRange) {
            guard let part = request.part(of: segment.id) else { continue }
            var goesOn = true
            try segment.overlay.forEachRow(in: part) { key, row in
                goesOn = try body(segment.id, key, row)
                return goesOn
            }
            guard goesOn else { return }
        }
    }

    /// The position of a row.
    func position(_ segment: Int64, _ key: UnsafeRawBufferPointer) -> [UInt8] {
        segment.positionBytes + Array(key)
    }

    func approximateCount() throws -> Int {
        try segments.reduce(0) { try $0 + $1.overlay.approximateCount() }
    }
}

extension Int64 {
    /// The number of a segment as the beginning of positions.
    var positionBytes: [UInt8] { Swift.withUnsafeBytes(of: bigEndian) { Array($0) } }
}

extension PageRequest {
    /// The part of the request that lies in a segment, in positions without the segment's number; `nil` when there is none.
    func part(of segment: Int64) -> PageRequest? {
        var part = self
        let prefix = segment.positionBytes
        if lower.starts(with: prefix) {
            part.lower = Array(lower.dropFirst(8))
        } else if prefix.lexicographicallyPrecedes(lower) {
            return nil
        } else {
            part.lower = []
        }
        if let upper {
            if upper.starts(with: prefix) {
                part.upper = Array(upper.dropFirst(8))
            } else if upper.lexicographicallyPrecedes(prefix) {
                return nil
            } else {
                part.upper = nil
            }
        }
        return part
    }
}
