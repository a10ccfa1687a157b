import MillraceCore

/// A connection as a stream of bytes in both directions. Used by one thread at a time; calls wait, each for no longer than the connection's time-out.
protocol ByteStream: AnyObject {
    /// Sends all of the bytes.
    ///
    /// - Throws: `MillraceError` of kind `transport`, after which the connection is of no use.
    func write(_ bytes: UnsafeRawBufferPointer) throws(MillraceError)

    /// Fills some of `target`, at least one byte.
    ///
    /// - Throws: `MillraceError` of kind `transport`, also when the other side has closed the connection.
    func read(into target: UnsafeMutableRawBufferPointer) throws(MillraceError) -> Int
}

extension ByteStream {
    /// Fills all of `target`.
    func readAll(into target: UnsafeMutableRawBufferPointer) throws(MillraceError) {
        var filled = 0
        while filled < target.count {
            filled += try read(into: UnsafeMutableRawBufferPointer(rebasing: target[filled...]))
        }
    }
}
