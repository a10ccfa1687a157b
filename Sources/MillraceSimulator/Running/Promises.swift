import MillraceCore
import MillraceLog
import Synchronization

/// What commits have been told to be there for good, to be looked for after the next start.
final class Promises: Sendable {
    private struct State {
        var ends: [TopicPartition: Offset] = [:]
        var groups: [String: [TopicPartition: Offset]] = [:]
    }

    private let state = Mutex(State())

    func note(_ outputs: [OutputBatches], at firsts: [Offset], offsets: [TopicPartition: CommittedOffset], group: String) {
        state.withLock { state in
            for (output, first) in zip(outputs, firsts) { state.ends[output.partition] = first + Int64(output.recordCount) }
            for (partition, offset) in offsets { state.groups[group, default: [:]][partition] = offset.offset }
        }
    }

    /// Releases the log from all of it, as after a failure of power where commits do not wait for the disk.
    func forget() {
        state.withLock { $0 = State() }
    }

    /// What a log does not hold of it.
    func broken(in log: EmbeddedLog) throws -> [String] {
        let state = state.withLock { $0 }
        var broken: [String] = []
        for (partition, end) in state.ends.sorted(by: { $0.key < $1.key }) {
            let found = try log.describeTopic(partition.topic) == nil ? 0 : try log.offsetRange(of: partition).upperBound
            if found < end { broken.append("\(partition) was committed up to offset \(end) and ends at \(found).") }
        }
        for (group, offsets) in state.groups.sorted(by: { $0.key < $1.key }) {
            for (partition, offset) in offsets.sorted(by: { $0.key < $1.key }) {
                let found = try log.committedOffsets(of: group, for: [partition])[partition]?.offset ?? -1
                if found < offset {
                    broken.append("The offset \(offset) of \(partition) was committed for \(group), and now it is \(found).")
                }
            }
        }
        return broken
    }
}
