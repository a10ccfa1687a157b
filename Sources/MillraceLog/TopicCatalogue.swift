import MillraceCore
import MillraceFormats

/// The topics of a log, as the file `millrace.topics` lists them: a text of lines that ends with its own checksum and is replaced in one step.
struct TopicCatalogue: Equatable {
    struct Entry: Equatable {
        /// A number that no other topic of this log ever had or will have: what the journal calls the topic.
        var ordinal: UInt32
        var description: TopicDescription
        /// Deleted, but its directories may still be there.
        var isDeleted = false
        /// Offsets may be missing between its records, as it was compacted once or came from a broker.
        var mayHaveGaps = false
    }

    static let fileName = "millrace.topics"

    var nextOrdinal: UInt32 = 1
    var entries: [Entry] = []

    var text: String {
        var text = "millrace topics 1\nnext \(nextOrdinal)\n"
        for entry in entries {
            let topic = entry.description
            text += "\(entry.isDeleted ? "deleted" : "topic") \(entry.ordinal) \(topic.name) \(topic.partitions) \(topic.id.text)\n"
            if entry.mayHaveGaps { text += "gaps\n" }
            for (name, value) in topic.settings.sorted(by: { $0.key < $1.key }) { text += "set \(name) \(value)\n" }
        }
        return ChecksummedText.sealed(text)
    }

    init() {}

    /// - Throws: `MillraceError` of kind `corruption` that names the file and the line.
    init(text: String, path: String) throws {
        let lines = text.split(separator: "\n")
        guard lines.first == "millrace topics 1", let last = lines.last, last.hasPrefix("crc "), text.last == "\n" else {
            throw TopicCatalogue.corrupt(path, "it does not begin and end as a list of topics does")
        }
        guard ChecksummedText.content(of: text) != nil else {
            throw TopicCatalogue.corrupt(path, "it does not match its checksum")
        }
        for (index, line) in lines.enumerated().dropFirst().dropLast() {
            let words = line.split(separator: " ", maxSplits: 4).map(String.init)
            switch words.first {
            case "next" where words.count == 2:
                guard let next = UInt32(words[1]) else { throw TopicCatalogue.corrupt(path, "line \(index + 1) is \"\(line)\"") }
                nextOrdinal = next
            case "topic" where words.count == 5, "deleted" where words.count == 5:
                guard let ordinal = UInt32(words[1]), let partitions = Int32(words[3]), partitions > 0, let id = TopicID(text: words[4])
                else {
                    throw TopicCatalogue.corrupt(path, "line \(index + 1) is \"\(line)\"")
                }
                try TopicName.validate(words[2])
                let description = TopicDescription(name: words[2], id: id, partitions: partitions, settings: [:])
                entries.append(Entry(ordinal: ordinal, description: description, isDeleted: words[0] == "deleted"))
            case "gaps" where words.count == 1 && !entries.isEmpty: entries[entries.count - 1].mayHaveGaps = true
            case "set" where words.count >= 2 && !entries.isEmpty:
                let parts = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
                entries[entries.count - 1].description.settings[String(parts[1])] = parts.count > 2 ? String(parts[2]) : ""
            default:
                throw TopicCatalogue.corrupt(path, "line \(index + 1) is \"\(line)\"")
            }
        }
    }

    /// Checks that the list knows of every topic that the journal tells of, those that were deleted included.
    ///
    /// - Throws: `MillraceError` of kind `corruption` when it is missing or older than the journal: a new topic would be taken for one of the old.
    func check(knows keys: some Sequence<PartitionKey>, path: String) throws {
        guard let highest = keys.map(\.topic).max(), highest >= nextOrdinal else { return }
        throw MillraceError(
            .corruption,
            "The list of topics \(path) is missing or older than the journal beside it, which tells of records in topics that are not listed. Restore the directory from a backup; the records of the topics are not touched."
        )
    }

    private static func corrupt(_ path: String, _ what: String) -> MillraceError {
        MillraceError(
            .corruption,
            "The list of topics \(path) cannot be trusted: \(what). Restore it from a backup; the records of the topics are not touched.")
    }
}
