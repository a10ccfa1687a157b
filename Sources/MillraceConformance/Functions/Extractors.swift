import MillraceCore
import MillraceStreams

/// The timestamp extractor of this name.
///
/// - Throws: `BadProgram` when there is none.
func extractor(_ specification: String) throws -> TimestampExtractor<Datum?, Datum?> {
    let startsWithX: @Sendable (Datum?) -> Bool = { $0?.text.utf8.first == UInt8(ascii: "x") }
    switch specification {
    case "record": return TimestampExtractor { $0.timestamp }
    case "hash":
        return TimestampExtractor { record in
            guard let text = record.value?.text, let hash = text.utf8.lastIndex(of: UInt8(ascii: "#")),
                let time = String(text[text.index(after: hash)...]).smallInteger
            else { return record.timestamp }
            return Timestamp(milliseconds: time)
        }
    case "negIfX": return TimestampExtractor { startsWithX($0.value) ? .none : $0.timestamp }
    case "partitionTimeIfX":
        return TimestampExtractor(withPartitionTime: { record, time in startsWithX(record.value) ? time : record.timestamp })
    default: throw BadProgram("unknown timestamp extractor \(specification)")
    }
}
