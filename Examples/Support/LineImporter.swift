import Millrace
import MillraceFormats

/// Copies the lines of an input into a topic, each line once, however often it is interrupted: the lines and the place up to which they were read are committed together.
final class LineImporter {
    /// Makes a record of a line; `nil` leaves the line out.
    typealias Parse =
        @Sendable (_ line: UnsafeRawBufferPointer, _ number: Int64) -> (key: [UInt8]?, value: UnsafeRawBufferPointer, timestamp: Timestamp)?

    private let source: InputSource
    private let topic: String
    private let session: any TransportSession
    private let writers: [RecordBatchWriter]
    private let parse: Parse
    private let place: TopicPartition
    private var committed: ImportPosition
    private var read: ImportPosition
    private let isStandardInput: Bool

    /// - Parameter path: The input's path, which is also how it is known again after a restart.
    init(_ path: String, into topic: String, of log: any Transport, app: String, parse: @escaping Parse) throws {
        source = try InputSource(path)
        self.topic = topic
        self.parse = parse
        guard let description = try log.describeTopic(topic) else {
            throw MillraceError(.transport, "Topic \(topic) does not exist.")
        }
        writers = (0..<description.partitions).map { _ in RecordBatchWriter() }
        // One consumer group for each input; its only offset counts the bytes read.
        let group = "\(app)-input-" + LineImporter.identity(of: path)
        session = try log.openSession(named: group, group: group)
        place = TopicPartition(topic, 0)
        let known = try log.committedOffsets(of: group, for: [place])[place]
        isStandardInput = path == "-"
        committed = known.flatMap { ImportPosition(bytes: $0.offset.value, note: $0.metadata) } ?? ImportPosition()
        // Standard input that was read to its end is done, and what comes now is another. A file may have grown.
        if isStandardInput, committed.isComplete { committed = ImportPosition() }
        committed.isComplete = false
        read = committed
    }

    /// The share of the input that was read, as far as that is known.
    var shareRead: Double? { source.shareRead }

    /// Copies until the input ends.
    ///
    /// - Parameters:
    ///   - follow: Goes on when more is appended.
    ///   - shouldStop: Asked often; what was read up to then is committed.
    func run(follow: Bool, shouldStop: () -> Bool) throws {
        defer { session.close() }
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
        defer { chunk.deallocate() }
        var line = [UInt8]()
        try skip(to: committed, using: chunk)
        do {
            while !shouldStop() {
                let count = try source.read(into: chunk)
                if count == 0 {
                    // What has ended cannot go on: a pipe that is closed, but not a file.
                    if !follow || isStandardInput { break }
                    try commit()
                    _ = try session.poll(maxBytes: 1, timeout: .milliseconds(100))
                    continue
                }
                var rest = UnsafeRawBufferPointer(rebasing: chunk[..<count])
                while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                    let part = UnsafeRawBufferPointer(rebasing: rest[..<end])
                    if line.isEmpty {
                        try take(part, endingAfter: part.count + 1)
                    } else {
                        line += part
                        try line.withUnsafeBytes { try take($0, endingAfter: $0.count + 1) }
                        line.removeAll(keepingCapacity: line.count < 1 << 20)
                    }
                    rest = UnsafeRawBufferPointer(rebasing: rest[(end + 1)...])
                }
                line += rest
                if pendingBytes > 1 << 20 { try commit() }
            }
            // A last line without a line feed is a line, unless more of it may come.
            if !shouldStop() {
                if !line.isEmpty { try line.withUnsafeBytes { try take($0, endingAfter: $0.count) } }
                read.isComplete = true
            }
            try commit()
        } catch {
            try commit()
            throw error
        }
    }

    private var pendingBytes: Int { writers.reduce(0) { $0 + ($1.recordCount == 0 ? 0 : $1.byteCount) } }

    /// Passes over what an earlier run has read.
    ///
    /// - Throws: `MillraceError` of kind `configuration` when it is not what was read then.
    private func skip(to position: ImportPosition, using chunk: UnsafeMutableRawBufferPointer) throws {
        var found = ImportPosition()
        while found.bytes < position.bytes {
            let wanted = Int(min(Int64(chunk.count), position.bytes - found.bytes))
            let count = try source.read(into: UnsafeMutableRawBufferPointer(rebasing: chunk[..<wanted]))
            if count == 0 { break }
            found.add(UnsafeRawBufferPointer(rebasing: chunk[..<count]))
        }
        guard found.bytes == position.bytes, found.checksum == position.checksum else {
            throw MillraceError(
                .configuration,
                "\(source.name) is not what was read before: its first \(position.bytes) bytes are others, or are missing. Give the old text again with what is new behind it, give the new text another file name, or use another --data."
            )
        }
    }

    private func take(_ line: UnsafeRawBufferPointer, endingAfter length: Int) throws {
        read.add(line)
        if length > line.count { read.addLineFeed() }
        read.lines += 1
        var line = line
        if line.last == UInt8(ascii: "\r") { line = UnsafeRawBufferPointer(rebasing: line.dropLast()) }
        guard let record = parse(line, read.lines) else { return }
        let partition: Int
        if let key = record.key {
            partition = Int(key.withUnsafeBytes { Murmur2.partition(forKey: $0, count: Int32(writers.count)) })
        } else {
            partition = Int(read.lines % Int64(writers.count))
        }
        let writer = writers[partition]
        if let key = record.key {
            try key.withUnsafeBytes { try writer.append(timestamp: record.timestamp, key: $0, value: record.value) }
        } else {
            try writer.append(timestamp: record.timestamp, key: nil, value: record.value)
        }
    }

    private func commit() throws {
        guard read != committed else { return }
        var outputs: [OutputBatches] = []
        for (partition, writer) in writers.enumerated() where writer.recordCount > 0 {
            try writer.finish()
            outputs.append(
                OutputBatches(partition: TopicPartition(topic, Partition(partition)), bytes: writer.output, recordCount: writer.recordCount)
            )
        }
        _ = try session.commit(outputs, offsets: [place: CommittedOffset(Offset(read.bytes), metadata: read.note)])
        for writer in writers { writer.reset() }
        committed = read
    }

    /// A name for a path that may be part of a group's name.
    private static func identity(of path: String) -> String {
        var path = path
        let hash = path.withUTF8 { Murmur2.hash(UnsafeRawBufferPointer($0)) }
        return String(UInt32(bitPattern: hash), radix: 16)
    }
}
