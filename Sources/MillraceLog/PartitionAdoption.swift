import MillraceCore
import MillraceFormats

/// Copies one partition directory of a broker, batch by batch, into one of ours with indexes of our own.
struct PartitionAdoption {
    let fileSystem: any FileSystem
    let source: String
    let target: String
    let topicID: TopicID
    let interval: Int
    private static let writeBytes = 1 << 20

    /// Records of a producer that do not count: those of a transaction that was aborted or never ended.
    private struct Aborted {
        var producer: Int64
        var offsets: ClosedRange<Int64>
    }

    /// Copies everything and brings it to the disk.
    func run(startOffset: Int64) throws -> PartitionMark {
        let bases = try fileSystem.list(source).compactMap(SegmentFiles.baseOffset(ofLog:)).sorted()
        let aborted = Dictionary(grouping: try abortedRanges(bases), by: \.producer)
        try fileSystem.makeDirectory(target)
        try fileSystem.replace(
            target + "/" + LeaderEpochs.fileName, with: LeaderEpochs([.init(epoch: 0, startOffset: 0)]).text, in: target)
        try fileSystem.replace(target + "/" + PartitionMetadata.fileName, with: PartitionMetadata(topicID: topicID).text, in: target)
        var mark = PartitionMark(startOffset: max(startOffset, bases.first ?? 0), endOffset: bases.last ?? 0)
        for base in bases {
            let (length, end) = try copy(base, aborted)
            mark.endOffset = max(mark.endOffset, end)
            if length > 0 {
                mark.segmentBase = base
                mark.segmentBytes = length
            } else {
                for kind in SegmentFiles.all { try fileSystem.remove(target + "/" + SegmentFiles.name(base, kind)) }
            }
        }
        mark.startOffset = min(mark.startOffset, mark.endOffset)
        try fileSystem.syncDirectory(target)
        return mark
    }

    private func copy(_ base: Int64, _ aborted: [Int64: [Aborted]]) throws -> (length: Int, end: Int64) {
        let file = try fileSystem.open(target + "/" + SegmentFiles.name(base, SegmentFiles.log), writable: true)
        let index = SegmentIndex(OpenFiles(fileSystem, limit: 2), directory: target, baseOffset: base)
        _ = try index.openForAppending(endOffset: base, endPosition: 0)
        let output = ByteBuffer(capacity: PartitionAdoption.writeBytes)
        var written = 0
        var end = base
        try forEachBatch(base) { batch in
            end = batch.nextOffset.value
            let offset = batch.baseOffset.value
            if !batch.isControl, batch.isTransactional, aborted[batch.producerID]?.contains(where: { $0.offsets.contains(offset) }) ?? false
            {
                return
            }
            let start = output.count
            output.append(batch.bytes)
            // Here there is one leader and one epoch.
            RecordBatchHeader.place(
                UnsafeMutableRawBufferPointer(rebasing: output.mutableBytes[start...]), at: batch.baseOffset, leaderEpoch: 0)
            index.add(
                lastOffset: batch.lastOffset.value, position: written + start, maxTimestamp: batch.maxTimestamp.milliseconds,
                interval: interval)
            if output.count >= PartitionAdoption.writeBytes {
                try file.write(output.bytes, at: written)
                written += output.count
                output.removeAll()
            }
        }
        try file.write(output.bytes, at: written)
        written += output.count
        try index.finish()
        try file.sync()
        return (written, end)
    }

    private func abortedRanges(_ bases: [Int64]) throws -> [Aborted] {
        var open: [Int64: Int64] = [:]
        var aborted: [Aborted] = []
        let scratch = ByteBuffer()
        for base in bases {
            try forEachBatch(base) { batch in
                if batch.isControl {
                    guard let marker = try batch.marker(scratch: scratch), let first = open.removeValue(forKey: batch.producerID) else {
                        return
                    }
                    if marker.kind == .abort {
                        aborted.append(Aborted(producer: batch.producerID, offsets: first...batch.baseOffset.value))
                    }
                } else if batch.isTransactional, open[batch.producerID] == nil {
                    open[batch.producerID] = batch.baseOffset.value
                }
            }
        }
        return aborted + open.map { Aborted(producer: $0, offsets: $1...Int64.max) }
    }

    private func forEachBatch(_ base: Int64, _ body: (RecordBatch) throws -> Void) throws {
        let path = source + "/" + SegmentFiles.name(base, SegmentFiles.log)
        let file = try fileSystem.open(path, writable: false)
        var scan = BatchScan(file, path: path, from: 0, to: try file.size())
        while let (batch, position) = try scan.next() {
            guard batch.hasValidChecksum else {
                throw BatchScan.corrupt(path, position, "The record batch at offset \(batch.baseOffset) does not match its checksum.")
            }
            try body(batch)
        }
    }

    /// The broker's own note of where its partitions start, when it lies beside them: lines of topic, partition and offset.
    static func startOffsets(_ source: String, _ fileSystem: any FileSystem) throws -> [TopicPartition: Int64] {
        guard let bytes = try fileSystem.contents(of: source + "/log-start-offset-checkpoint") else { return [:] }
        var offsets: [TopicPartition: Int64] = [:]
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n").dropFirst(2) {
            let words = line.split(separator: " ")
            if words.count == 3, let number = Partition(words[1]), let offset = Int64(words[2]), offset >= 0 {
                offsets[TopicPartition(String(words[0]), number)] = offset
            }
        }
        return offsets
    }
}
