import MillraceCore

/// Writes one value as JSON into a buffer, while the value tells of itself through `Codable`.
///
/// `Codable` nests: a value is told completely before the next begins, so brackets open and close in order and the text is written as it comes. The exception, containers
/// that a type asks for explicitly and may fill in any order, get writers of their own, whose text is put in place at the end.
final class JSONWriter {
    let buffer: ByteBuffer
    /// The keys that lead to the value that is being told of.
    private(set) var path: [any CodingKey]
    private var current: Told
    private var holes: [(offset: Int, writer: JSONWriter)] = []
    /// The first error that `Codable` gave no chance to throw.
    private var misplaced: (any Error)?

    /// How deeply values may be nested: as deep as Foundation goes.
    private static let maximumDepth = 512

    /// What is known of a value while it tells of itself.
    private struct Told {
        let depth: Int
        var shape = Shape.untold
        var count = 0
    }

    enum Shape {
        case untold, scalar, object, array
    }

    private init(_ buffer: ByteBuffer, path: [any CodingKey], depth: Int) {
        self.buffer = buffer
        self.path = path
        current = Told(depth: depth)
    }

    /// Appends the JSON of `value` to `buffer`, or leaves the buffer as it was and throws a `MillraceError` of kind `serialization`.
    static func write<Value: Encodable>(_ value: Value, to buffer: ByteBuffer) throws {
        let start = buffer.count
        do {
            let writer = JSONWriter(buffer, path: [], depth: 0)
            try writer.value(value, at: nil)
            try writer.fillHoles()
        } catch {
            buffer.truncate(to: start)
            throw (error as? EncodingError)?.explained ?? error
        }
    }

    // MARK: Fields, elements and single values of the value at a depth

    /// Writes a field: its name, and what `body` writes. When `body` throws, nothing has been written.
    @inline(__always)
    func field(_ key: some CodingKey, depth: Int, _ body: () throws -> Void) throws {
        try begin(.object, depth: depth) {
            if current.count > 0 { buffer.append(UInt8(ascii: ",")) }
            current.count += 1
            buffer.append(jsonText: key.stringValue)
            buffer.append(UInt8(ascii: ":"))
            try body()
        }
    }

    /// Writes an element. When `body` throws, nothing has been written.
    @inline(__always)
    func element(depth: Int, _ body: () throws -> Void) throws {
        try begin(.array, depth: depth) {
            if current.count > 0 { buffer.append(UInt8(ascii: ",")) }
            current.count += 1
            try body()
        }
    }

    /// Writes the only part of a value.
    @inline(__always)
    func single(depth: Int, _ body: () throws -> Void) throws {
        try begin(.scalar, depth: depth, body)
    }

    /// The number of elements or fields so far.
    func count(depth: Int) -> Int { current.depth == depth ? current.count : 0 }

    /// Opens the bracket of an object or array. Doing so twice, as a subclass and its superclass do, goes on with the same one.
    ///
    /// What cannot be is found by the first write, because `Codable` lets no error out here.
    func open(_ shape: Shape, depth: Int) {
        guard current.depth == depth && current.shape == .untold else { return }
        current.shape = shape
        buffer.append(shape == .object ? UInt8(ascii: "{") : UInt8(ascii: "["))
    }

    @inline(__always)
    private func begin(_ shape: Shape, depth: Int, _ body: () throws -> Void) throws {
        let (before, size, holeCount) = (current, buffer.count, holes.count)
        do {
            guard current.depth == depth && current.shape == (shape == .scalar ? .untold : shape) else { throw outOfTurn(shape, depth) }
            if shape == .scalar { current.shape = .scalar }
            try body()
        } catch {
            buffer.truncate(to: size)
            holes.removeSubrange(holeCount...)
            current = before
            throw error
        }
    }

    private func outOfTurn(_ shape: Shape, _ depth: Int) -> EncodingError {
        invalid(
            shape, at: nil,
            current.depth == depth
                ? "the type writes one value in two ways, as \(current.shape) and as \(shape)"
                : "a container was used after its value had been written, or while another value was")
    }

    func invalid(_ value: Any, at key: (any CodingKey)?, _ text: String) -> EncodingError {
        .invalidValue(value, .init(codingPath: key.map { path + [$0] } ?? path, debugDescription: text))
    }

    // MARK: Values

    /// Writes a value, in the short way where its type has one.
    @inline(__always)
    func value<Value: Encodable>(_ value: Value, at key: (any CodingKey)?) throws {
        if Value.self == String.self { return buffer.append(jsonText: unsafeBitCast(value, to: String.self)) }
        if Value.self == Int.self { return buffer.append(decimal: unsafeBitCast(value, to: Int.self)) }
        if Value.self == Double.self { return try number(unsafeBitCast(value, to: Double.self), at: key) }
        if Value.self == Int64.self { return buffer.append(decimal: unsafeBitCast(value, to: Int64.self)) }
        if try foundationValue(value, at: key) { return }
        try composite(value, at: key)
    }

    /// Writes a number in the fewest digits that read back as the same number.
    func number<Number: BinaryFloatingPoint & CustomStringConvertible>(_ number: Number, at key: (any CodingKey)?) throws {
        guard number.isFinite else { throw invalid(number, at: key, "\(number) has no form in JSON; make it nil, or write it as text") }
        buffer.append(utf8: number.description)
    }

    private func composite<Value: Encodable>(_ value: Value, at key: (any CodingKey)?) throws {
        let outer = current
        guard outer.depth < Self.maximumDepth else {
            throw invalid(value, at: nil, "the value is nested more than \(Self.maximumDepth) deep")
        }
        if let key { path.append(key) }
        current = Told(depth: outer.depth + 1)
        defer {
            current = outer
            if key != nil { path.removeLast() }
        }
        try value.encode(to: JSONEncoding(writer: self, depth: current.depth))
        close()
    }

    private func close() {
        switch current.shape {
        case .object: buffer.append(UInt8(ascii: "}"))
        case .array: buffer.append(UInt8(ascii: "]"))
        case .scalar: break
        case .untold: buffer.append(utf8: "{}")
        }
    }

    // MARK: Values told out of order

    /// Leaves a hole for a value that may be told later, and returns its encoder.
    ///
    /// - Parameter place: Calls its argument where the hole belongs. What it throws comes out at the end, because `Codable` lets no error out here.
    func hole(at key: any CodingKey, _ place: (() -> Void) throws -> Void) -> JSONEncoding {
        let depth = current.depth + 1
        let writer = JSONWriter(ByteBuffer(capacity: 64), path: path + [key], depth: depth)
        do {
            try place { holes.append((buffer.count, writer)) }
        } catch {
            misplaced = misplaced ?? error
        }
        return JSONEncoding(writer: writer, depth: depth)
    }

    /// Moves the texts of the holes into their places, from the last to the first.
    private func fillHoles() throws {
        if let misplaced { throw misplaced }
        guard !holes.isEmpty else { return }
        for hole in holes {
            hole.writer.close()
            try hole.writer.fillHoles()
        }
        var source = buffer.count
        var target = source + holes.reduce(0) { $0 + $1.writer.buffer.count }
        _ = buffer.reserve(target - source)
        buffer.commit(target - source)
        let bytes = buffer.mutableBytes
        for hole in holes.reversed() {
            let tail = source - hole.offset
            target -= tail
            UnsafeMutableRawBufferPointer(rebasing: bytes[target...]).copyMemory(
                from: UnsafeRawBufferPointer(rebasing: bytes[hole.offset..<source]))
            source = hole.offset
            let text = hole.writer.buffer.bytes
            target -= text.count
            UnsafeMutableRawBufferPointer(rebasing: bytes[target...]).copyMemory(from: text)
        }
    }
}
