import Millrace

@main
struct WordCount {
    static func main() async throws {
        // The topology: what happens to records.
        let builder = StreamsBuilder()
        builder.stream("lines", value: .string)
            .flatMapValues { $0.lowercased().split(separator: " ").map(String.init) }
            .groupBy { _, word in word }
            .count(in: "counts")
            .toStream()
            .peek { word, count in print(word, count ?? 0) }
            .to("word-counts")
        let topology = try builder.build()

        // Where topics and state live: in a directory, inside this process.
        let backend = try StreamsBackend.embedded(at: "data")
        for topic in ["lines", "word-counts"] where try backend.transport.describeTopic(topic) == nil {
            try backend.transport.createTopic(TopicSpecification(topic, partitions: 1))
        }

        // Input for the app: the lines of standard input.
        let lines = try Producer<String?, String>(to: "lines", on: backend)
        while let line = readLine() { try lines.send(line) }
        try lines.commit()

        // The app: it ends when all lines are counted.
        let app = StreamsApp(topology, on: backend, configuration: StreamsConfiguration(applicationID: "word-count"))
        app.shutDownWhenIdle()
        try await app.run()
    }
}
