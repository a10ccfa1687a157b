import Foundation
import MillraceCommandLine
import MillraceCore
import MillraceFormats
import MillraceLog

/// `millrace consume`
enum ConsumeCommand {
    static let table = CommandLineTable(
        name: "millrace consume", summary: "Prints the records of a topic, also while the app runs.", operands: "TOPIC",
        options: [
            .init("from", value: "PLACE", "Where to begin: \(Position.explanation). Default: earliest, with --follow latest."),
            .init("until", value: "PLACE", "Where to end, not included. Default: what is there now."),
            .init("follow", "Go on and print records as they are committed, until interrupted."),
            .init("max", value: "N", "Stop after this many records."),
            .init("partition", value: "N", "Only this partition; may be given several times."),
            .init("key-format", value: "FORMAT", "How to print keys: \(ByteFormat.names). Default: text."),
            .init("value-format", value: "FORMAT", "How to print values. Default: text."),
            .init("fields", value: "LIST", "What to print, of partition,offset,timestamp,key,value,headers. Default: key,value."),
            DataAccess.json,
            DataAccess.option,
        ],
        footer: """
            An offset that is not there any more, or not yet, counts as the nearest that is. Within a partition records come in order; partitions are mixed.
            Fields are separated by tabs. Bytes that are not of the format are printed in hexadecimal, behind 0x.

            Examples:
              millrace consume words --max 10
              millrace consume counts --value-format int64 --follow
              millrace consume clicks --from @2026-01-31T12:00:00Z --until @2026-01-31T13:00:00Z --json
              millrace consume words --from 100 --until 110 --partition 2 --fields offset,timestamp,value
            """)

    @Sendable static func run(_ arguments: ParsedArguments) throws {
        let log = try DataAccess.observe(arguments)
        let topic = try DataAccess.topic(try DataAccess.operand(arguments, "topic"), in: log)
        let follows = arguments.has("follow")
        let from = try arguments["from"].map { try Position($0, option: "from") } ?? (follows ? .latest : .earliest)
        let until = try arguments["until"].map { try Position($0, option: "until") } ?? (follows ? nil : .latest)
        let wanted = arguments.all("partition")
        let partitions = wanted.isEmpty ? Array(0..<topic.partitions) : try wanted.map { try number($0, topic) }

        var starts: [TopicPartition: Offset] = [:]
        var ends: [TopicPartition: Offset] = [:]
        for partition in partitions.map({ TopicPartition(topic.name, $0) }) {
            starts[partition] = try from.offset(in: partition, of: log)
            ends[partition] = try until?.offset(in: partition, of: log)
        }
        let session = try log.openSession(named: "millrace consume", group: "millrace consume")
        try session.assign(starts)
        for (partition, start) in starts where ends[partition].map({ start >= $0 }) ?? false {
            session.pause(partition)
            starts[partition] = nil
        }
        var printer = try RecordPrinter(arguments, remaining: arguments.integer("max", in: 0...Int.max))
        while !starts.isEmpty, printer.remaining != 0 {
            let fetched = try session.poll(maxBytes: 1 << 20, timeout: .zero)
            for batches in fetched {
                let start = starts[batches.partition] ?? batches.nextOffset
                try printer.print(batches, from: start, until: ends[batches.partition])
                if printer.remaining == 0 { return }
                starts[batches.partition] = batches.nextOffset
                if let end = ends[batches.partition], batches.nextOffset >= end {
                    session.pause(batches.partition)
                    starts[batches.partition] = nil
                }
            }
            guard fetched.isEmpty else { continue }
            // Compaction may have removed the last records before the end: then there is nothing left to come.
            if !follows { return }
            fflush(nil)
            usleep(20_000)
            try log.refresh()
        }
    }

    private static func number(_ text: String, _ topic: TopicDescription) throws -> Partition {
        guard let number = Partition(text), number >= 0, number < topic.partitions else {
            throw CommandLineError(
                "--partition takes a number from 0 to \(topic.partitions - 1), not \"\(text)\": \(topic.name) has no other.")
        }
        return number
    }
}
