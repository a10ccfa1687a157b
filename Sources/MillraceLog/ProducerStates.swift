import MillraceCore
import MillraceFormats

/// What the log remembers of the producers that number their records, so that a batch that comes again is known, a gap is noticed, and who was replaced is refused.
///
/// It is the sum of the marks in the journal's entries: it changes with the commits that it speaks of, and is there again with them when the log is opened. Its size has a
/// bound: of each producer the last few commits to a partition count, who is silent for a day is forgotten, and beyond `limit` those that were silent longest.
///
/// Kafka: `ProducerStateManager`, with its snapshots.
struct ProducerStates {
    /// Records of one commit, numbered and lying without a gap.
    struct Appended: Equatable {
        var lastSequence: Int32
        var count: Int64
        var lastOffset: Int64
    }

    struct Entry: Equatable {
        var epoch: Int16
        var appended: [Appended]
        var time: Timestamp
    }

    private(set) var partitions: [PartitionKey: [Int64: Entry]] = [:]
    private(set) var names: [String: ProducerName] = [:]
    /// The epochs of the producers that have names.
    private var epochs: [Int64: Int16] = [:]
    private var entryCount = 0
    let limit: Int

    /// How many commits of a producer to a partition can be recognised. Kafka: five batches.
    static let remembered = 5
    /// Kafka: `producer.id.expiration.ms`.
    static let silence: Int64 = 24 * 60 * 60 * 1000
    /// Kafka: `transactional.id.expiration.ms`.
    static let nameSilence: Int64 = 7 * 24 * 60 * 60 * 1000

    init(limit: Int = 1 << 16) {
        self.limit = max(limit, 1)
    }

    /// The last of the producer's commits to a partition; `nil` when nothing is known of it.
    func entry(of producer: Int64, in partition: PartitionKey) -> Entry? {
        partitions[partition]?[producer]
    }

    mutating func apply(_ mark: ProducerMark) {
        let old = partitions[mark.partition]?[mark.producer.id]
        if old == nil { entryCount += 1 }
        partitions[mark.partition, default: [:]][mark.producer.id] = ProducerStates.adding(mark, to: old)
        if entryCount > limit { forgetOldest(but: mark) }
    }

    /// What is known of a producer after one commit more.
    static func adding(_ mark: ProducerMark, to entry: Entry?) -> Entry {
        var entry = entry ?? Entry(epoch: mark.producer.epoch, appended: [], time: mark.time)
        if entry.epoch != mark.producer.epoch { entry = Entry(epoch: mark.producer.epoch, appended: [], time: mark.time) }
        if entry.appended.count >= remembered { entry.appended.removeFirst() }
        entry.appended.append(Appended(lastSequence: mark.lastSequence, count: mark.count, lastOffset: mark.lastOffset))
        entry.time = max(entry.time, mark.time)
        return entry
    }

    /// The epoch that a producer has by its name; `nil` when it has none.
    func currentEpoch(of producer: Int64) -> Int16? {
        epochs[producer]
    }

    mutating func apply(_ name: ProducerName) {
        if let old = names[name.name] { epochs[old.producer.id] = nil }
        names[name.name] = name
        epochs[name.producer.id] = name.producer.epoch
        if names.count > limit {
            let kept = names.values.sorted { ($0.time, $0.name) > ($1.time, $1.name) }.prefix(limit / 4 * 3)
            let wanted = Set(kept.map(\.name) + [name.name])
            keepNames { wanted.contains($0.name) }
        }
    }

    private mutating func keepNames(_ isWanted: (ProducerName) -> Bool) {
        names = names.filter { isWanted($0.value) }
        epochs = Dictionary(names.values.map { ($0.producer.id, $0.producer.epoch) }) { max($0, $1) }
    }

    /// Forgets who has been silent for too long.
    mutating func expire(now: Timestamp) {
        keep { now.milliseconds &- $0.milliseconds < ProducerStates.silence }
        keepNames { now.milliseconds &- $0.time.milliseconds < ProducerStates.nameSilence }
    }

    /// Forgets what is not of these topics, by ordinal.
    mutating func keep(topics: (UInt32) -> Bool) {
        partitions = partitions.filter { topics($0.key.topic) }
        entryCount = partitions.values.reduce(0) { $0 + $1.count }
    }

    /// Makes room: a quarter goes, so that it is not done for each new producer.
    private mutating func forgetOldest(but mark: ProducerMark) {
        let all = partitions.flatMap { partition, producers in
            producers.filter { partition != mark.partition || $0.key != mark.producer.id }
                .map { (time: $0.value.time, id: $0.key, partition: partition) }
        }
        for oldest in all.sorted(by: {
            ($0.time, $0.id, $0.partition.topic, $0.partition.partition) < ($1.time, $1.id, $1.partition.topic, $1.partition.partition)
        }).prefix(entryCount / 4 + 1) {
            partitions[oldest.partition]?[oldest.id] = nil
            entryCount -= 1
        }
    }

    private mutating func keep(_ isWanted: (Timestamp) -> Bool) {
        partitions = partitions.mapValues { $0.filter { isWanted($0.value.time) } }.filter { !$0.value.isEmpty }
        entryCount = partitions.values.reduce(0) { $0 + $1.count }
    }

    /// Marks and names that make the same state of an empty one, for a journal that starts anew. The same state gives the same bytes.
    func marks() -> (marks: [ProducerMark], names: [ProducerName]) {
        var marks: [ProducerMark] = []
        for (partition, producers) in partitions.sorted(by: { ($0.key.topic, $0.key.partition) < ($1.key.topic, $1.key.partition) }) {
            for (id, entry) in producers.sorted(by: { $0.key < $1.key }) {
                for appended in entry.appended {
                    marks.append(
                        ProducerMark(
                            partition: partition, producer: ProducerIdentity(id: id, epoch: entry.epoch),
                            lastSequence: appended.lastSequence, count: appended.count, lastOffset: appended.lastOffset, time: entry.time))
                }
            }
        }
        return (marks, names.values.sorted { $0.name < $1.name })
    }
}
