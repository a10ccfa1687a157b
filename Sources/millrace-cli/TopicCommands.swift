import MillraceCommandLine
import MillraceCore
import MillraceFormats
import MillraceLog

/// `millrace topics …`
enum TopicCommands {
    static let tree = CommandTree(
        name: "millrace topics", summary: "Create, list, describe, change and delete topics.",
        branches: [
            .command(
                "list",
                CommandLineTable(
                    name: "millrace topics list", summary: "Lists the topics, and how many partitions and offsets each has.",
                    options: [DataAccess.option, DataAccess.json],
                    footer:
                        "A topic that is compacted has fewer records than offsets.\n\nExample:\n  millrace topics list --data shop"
                ), list),
            .command(
                "describe",
                CommandLineTable(
                    name: "millrace topics describe", summary: "Shows a topic: its settings, and for each partition what it holds.",
                    operands: "TOPIC", options: [DataAccess.option, DataAccess.json],
                    footer: "Example:\n  millrace topics describe words"), describe),
            .command(
                "create",
                CommandLineTable(
                    name: "millrace topics create",
                    summary: "Makes a topic, and the data directory when it is missing. The app must be stopped.", operands: "TOPIC",
                    options: [
                        .init("partitions", value: "N", "How many partitions. Default: 1."),
                        .init("set", value: "NAME=VALUE", "A setting, by Kafka's name; may be given several times."), DataAccess.option,
                    ],
                    footer: """
                        Settings are those of Kafka: cleanup.policy, retention.ms, retention.bytes, segment.bytes, compression.type, …

                        Examples:
                          millrace topics create words --partitions 4
                          millrace topics create prices --set cleanup.policy=compact --set compression.type=zstd
                        """), create),
            .command(
                "alter",
                CommandLineTable(
                    name: "millrace topics alter", summary: "Changes settings of a topic. The app must be stopped.", operands: "TOPIC",
                    options: [
                        .init("set", value: "NAME=VALUE", "A setting and its new value; may be given several times."),
                        .init("unset", value: "NAME", "A setting that goes back to its default; may be given several times."),
                        DataAccess.option,
                    ],
                    footer: "Example:\n  millrace topics alter words --set retention.ms=86400000 --unset retention.bytes"), alter),
            .command(
                "add-partitions",
                CommandLineTable(
                    name: "millrace topics add-partitions",
                    summary: "Gives a topic more partitions. The app must be stopped; keys may go to other partitions from then on.",
                    operands: "TOPIC", options: [.init("to", value: "N", "How many it has afterwards."), DataAccess.option],
                    footer: "Example:\n  millrace topics add-partitions words --to 8"), addPartitions),
            .command(
                "adopt",
                CommandLineTable(
                    name: "millrace topics adopt",
                    summary: "Copies a topic out of the log directory of a stopped Kafka broker. The app must be stopped.",
                    operands: "TOPIC",
                    options: [
                        .init(
                            "from", value: "DIR",
                            "The broker's log directory (log.dirs), or a copy of it, with the directories TOPIC-0, TOPIC-1, …"),
                        .init("set", value: "NAME=VALUE", "A setting of the topic here; may be given several times."), DataAccess.option,
                    ],
                    footer: """
                        Offsets, timestamps and the topic's id stay; records of aborted transactions are left out. The broker's files are only read.

                        Example:
                          millrace topics adopt orders --from /var/lib/kafka/data
                        """), adopt),
            .command(
                "delete",
                CommandLineTable(
                    name: "millrace topics delete", summary: "Deletes topics with all their records, for good. The app must be stopped.",
                    operands: "TOPIC ...", options: [DataAccess.option], footer: "Example:\n  millrace topics delete words"), delete),
        ])

    private static func list(_ arguments: ParsedArguments) throws {
        let log = try DataAccess.observe(arguments)
        var table = TextTable("TOPIC", "PARTITIONS", "OFFSETS", "CLEANUP")
        var rows: [JSONText] = []
        for name in try log.listTopics() {
            let topic = try DataAccess.topic(name, in: log)
            let records = try ranges(topic, log).reduce(Int64(0)) { $0 + $1.upperBound.value - $1.lowerBound.value }
            let cleanup = topic.settings["cleanup.policy"] ?? "delete"
            table.add(name, "\(topic.partitions)", "\(records)", cleanup)
            rows.append(
                .object([
                    ("topic", .string(name)), ("id", .string(topic.id.text)), ("partitions", .integer(Int64(topic.partitions))),
                    ("offsets", .integer(records)), ("settings", settings(topic)),
                ]))
        }
        print(arguments.has("json") ? JSONText.array(rows).text + "\n" : table.text, terminator: "")
    }

    private static func describe(_ arguments: ParsedArguments) throws {
        let log = try DataAccess.observe(arguments)
        let topic = try DataAccess.topic(try DataAccess.operand(arguments, "topic"), in: log)
        let ranges = try ranges(topic, log)
        if arguments.has("json") {
            let partitions = ranges.enumerated().map { number, range in
                JSONText.object([
                    ("partition", .integer(Int64(number))), ("start", .integer(range.lowerBound.value)),
                    ("end", .integer(range.upperBound.value)),
                ])
            }
            let members: [(String, JSONText)] = [
                ("topic", .string(topic.name)), ("id", .string(topic.id.text)), ("settings", settings(topic)),
                ("partitions", .array(partitions)),
            ]
            print(JSONText.object(members).text)
            return
        }
        print("Topic     \(topic.name)\nId        \(topic.id.text)")
        for (name, value) in topic.settings.sorted(by: { $0.key < $1.key }) { print("Setting   \(name) = \(value)") }
        if topic.settings.isEmpty { print("Settings  all defaults") }
        var table = TextTable("PARTITION", "START", "END", "OFFSETS")
        for (number, range) in ranges.enumerated() {
            table.add("\(number)", "\(range.lowerBound)", "\(range.upperBound)", "\(range.upperBound.value - range.lowerBound.value)")
        }
        print("\n" + table.text, terminator: "")
    }

    private static func create(_ arguments: ParsedArguments) throws {
        let name = try DataAccess.operand(arguments, "topic")
        let partitions = try arguments.integer("partitions", in: 1...100_000) ?? 1
        let settings = try given(arguments)
        try DataAccess.write(arguments, creating: true) { log in
            try log.createTopic(TopicSpecification(name, partitions: Int32(partitions), settings: settings))
        }
        print("Created the topic \(name) with \(partitions) partition\(partitions == 1 ? "" : "s").")
    }

    private static func alter(_ arguments: ParsedArguments) throws {
        let name = try DataAccess.operand(arguments, "topic")
        var changes: [String: String?] = try given(arguments)
        for setting in arguments.all("unset") { changes[setting] = .some(nil) }
        guard !changes.isEmpty else { throw CommandLineError("Say what to change: --set NAME=VALUE or --unset NAME.") }
        try DataAccess.write(arguments) { try $0.alterTopic(name, settings: changes) }
        print("Changed the topic \(name).")
    }

    private static func addPartitions(_ arguments: ParsedArguments) throws {
        let name = try DataAccess.operand(arguments, "topic")
        guard let count = try arguments.integer("to", in: 1...100_000) else { throw CommandLineError("Say how many partitions: --to N.") }
        try DataAccess.write(arguments) { try $0.addPartitions(to: name, count: Int32(count)) }
        print("The topic \(name) has \(count) partitions now.")
    }

    private static func adopt(_ arguments: ParsedArguments) throws {
        let name = try DataAccess.operand(arguments, "topic")
        guard let source = arguments["from"] else { throw CommandLineError("Say where the broker's log directory is: --from DIR.") }
        let settings = try given(arguments)
        let topic = try DataAccess.write(arguments, creating: true) { try $0.adoptTopic(name, from: source, settings: settings) }
        print("Copied \(name) with \(topic.partitions) partition\(topic.partitions == 1 ? "" : "s").")
    }

    private static func delete(_ arguments: ParsedArguments) throws {
        guard !arguments.operands.isEmpty else { throw CommandLineError("Say which topics to delete. See --help.") }
        try DataAccess.write(arguments) { log in
            // All names are looked at first, so that a slip of the finger deletes nothing.
            for name in arguments.operands { _ = try DataAccess.topic(name, in: log) }
            for name in arguments.operands { try log.deleteTopic(name) }
        }
        print("Deleted \(arguments.operands.joined(separator: ", ")).")
    }

    private static func given(_ arguments: ParsedArguments) throws -> [String: String] {
        var settings: [String: String] = [:]
        for text in arguments.all("set") {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { throw CommandLineError("--set takes NAME=VALUE, not \"\(text)\".") }
            settings[String(parts[0])] = String(parts[1])
        }
        return settings
    }

    private static func ranges(_ topic: TopicDescription, _ log: EmbeddedLog) throws -> [Range<Offset>] {
        try (0..<topic.partitions).map { try log.offsetRange(of: TopicPartition(topic.name, $0)) }
    }

    private static func settings(_ topic: TopicDescription) -> JSONText {
        .object(topic.settings.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })
    }
}
