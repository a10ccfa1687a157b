import MillraceCommandLine
import MillraceCore
import MillraceLog

/// `millrace groups …`
enum GroupCommands {
    static let tree = CommandTree(
        name: "millrace groups", summary: "List consumer groups, show how far they are behind, and move them.",
        branches: [
            .command(
                "list",
                CommandLineTable(
                    name: "millrace groups list",
                    summary: "Lists the groups that have committed offsets; an app's group is its application id.",
                    options: [DataAccess.option, DataAccess.json], footer: "Example:\n  millrace groups list"), list),
            .command(
                "describe",
                CommandLineTable(
                    name: "millrace groups describe",
                    summary: "Shows a group's offset in each partition and its lag: the offsets it still has to read.",
                    operands: "GROUP", options: [DataAccess.option, DataAccess.json], footer: "Example:\n  millrace groups describe counts"),
                describe),
            .command(
                "reset",
                CommandLineTable(
                    name: "millrace groups reset", summary: "Moves a group to another place in its topics. The app must be stopped.",
                    operands: "GROUP",
                    options: [
                        .init("to", value: "PLACE", "Where to: \(Position.explanation)."),
                        .init(
                            "topic", value: "TOPIC",
                            "Only this topic; may be given several times. Default: all that the group has offsets in."),
                        .init("partition", value: "N", "Only this partition of the topics."),
                        .init("dry-run", "Only show what would happen."),
                        DataAccess.option, DataAccess.json,
                    ],
                    footer: """
                        The app's state is not moved back: an app that counts counts again what it reads again. Delete its state and internal topics for a fresh start.

                        Examples:
                          millrace groups reset counts --to earliest --dry-run
                          millrace groups reset counts --to @2026-01-31T12:00:00Z --topic words
                        """), reset),
        ])

    private static func list(_ arguments: ParsedArguments) throws {
        let log = try DataAccess.observe(arguments)
        if arguments.has("json") {
            print(JSONText.array(log.listGroups().map { .string($0) }).text)
        } else {
            for group in log.listGroups() { print(group) }
        }
    }

    private static func describe(_ arguments: ParsedArguments) throws {
        let log = try DataAccess.observe(arguments)
        let group = try DataAccess.operand(arguments, "group")
        let offsets = try existing(group, log)
        var table = TextTable("TOPIC", "PARTITION", "OFFSET", "END", "LAG")
        var rows: [JSONText] = []
        for (partition, committed) in offsets.sorted(by: { $0.key < $1.key }) {
            let end = try log.offsetRange(of: partition).upperBound
            let lag = max(0, end.value - committed.offset.value)
            table.add(partition.topic, "\(partition.partition)", "\(committed.offset)", "\(end)", "\(lag)")
            rows.append(
                .object([
                    ("topic", .string(partition.topic)), ("partition", .integer(Int64(partition.partition))),
                    ("offset", .integer(committed.offset.value)), ("end", .integer(end.value)), ("lag", .integer(lag)),
                    ("metadata", .string(committed.metadata)),
                ]))
        }
        print(arguments.has("json") ? JSONText.array(rows).text + "\n" : table.text, terminator: "")
    }

    private static func reset(_ arguments: ParsedArguments) throws {
        let group = try DataAccess.operand(arguments, "group")
        guard let text = arguments["to"] else {
            throw CommandLineError("Say where to move the group: --to PLACE, which is \(Position.explanation).")
        }
        let position = try Position(text, option: "to")
        if arguments.has("dry-run") {
            let log = try DataAccess.observe(arguments)
            return report(try moves(group, position, arguments, log), arguments)
        }
        let moved = try DataAccess.write(arguments) { log in
            let moved = try moves(group, position, arguments, log)
            let session = try log.openSession(named: "millrace groups reset", group: group)
            _ = try session.commit([], offsets: Dictionary(uniqueKeysWithValues: moved.map { ($0.partition, CommittedOffset($0.to)) }))
            return moved
        }
        report(moved, arguments)
    }

    private typealias Move = (partition: TopicPartition, from: Offset?, to: Offset)

    private static func moves(_ group: String, _ position: Position, _ arguments: ParsedArguments, _ log: EmbeddedLog) throws -> [Move] {
        let committed = log.committedOffsets(of: group)
        var partitions: [TopicPartition]
        if arguments.has("topic") {
            partitions = try arguments.all("topic").flatMap { name in
                (0..<(try DataAccess.topic(name, in: log).partitions)).map { TopicPartition(name, $0) }
            }
        } else {
            partitions = Array(try existing(group, log).keys)
        }
        if let number = try arguments.integer("partition", in: 0...Int(Int32.max)) {
            partitions.removeAll { $0.partition != Int32(number) }
        }
        return try partitions.sorted().map { ($0, committed[$0]?.offset, try position.offset(in: $0, of: log)) }
    }

    private static func report(_ moves: [Move], _ arguments: ParsedArguments) {
        var table = TextTable("TOPIC", "PARTITION", "FROM", "TO")
        for move in moves {
            table.add(move.partition.topic, "\(move.partition.partition)", move.from.map { "\($0)" } ?? "-", "\(move.to)")
        }
        let rows = moves.map { move in
            JSONText.object([
                ("topic", .string(move.partition.topic)), ("partition", .integer(Int64(move.partition.partition))),
                ("from", move.from.map { .integer($0.value) } ?? .null), ("to", .integer(move.to.value)),
            ])
        }
        print(arguments.has("json") ? JSONText.array(rows).text + "\n" : table.text, terminator: "")
    }

    private static func existing(_ group: String, _ log: EmbeddedLog) throws -> [TopicPartition: CommittedOffset] {
        let offsets = log.committedOffsets(of: group)
        guard offsets.isEmpty else { return offsets }
        let known = log.listGroups()
        throw MillraceError(
            .configuration,
            "The group \(group) has no committed offsets in \(log.path). \(known.isEmpty ? "No group has any." : "There are: \(known.joined(separator: ", ")).")"
        )
    }
}
