import ExampleSupport
import Foundation
import Millrace

/// Counts how often each word occurs: the hello world of stream processing, that can be killed at any moment.
@main
struct WordCount {
    static func topology() throws -> Topology {
        let builder = StreamsBuilder()
        builder.stream("lines", value: .string)
            .flatMapValues { line in words(of: line) }
            .groupBy { _, word in word }
            .count(in: "counts")
            .toStream()
            .to("word-counts")
        return try builder.build()
    }

    /// A word is a run of the letters a to z, in lower case.
    static func words(of line: String) -> [String] {
        line.utf8
            .split { !(UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20) }
            .map { letters in String(decoding: letters.map { $0 | 0x20 }, as: UTF8.self) }
    }

    static func main() async {
        await ExampleRun.main(
            .init(
                name: "WordCount", applicationID: "word-count",
                summary: "Counts the words of a text, exactly once, whatever happens on the way.",
                input:
                    "Read this file, plain or gzip, instead of the King James Bible; - for standard input. Text behind a tab counts, if there is one.",
                topics: ["lines", "word-counts", "lines-dead-letters"], topology: topology
            ) { run, topology in
                let book = Bundle.module.path(forResource: "kjv", ofType: "tsv") ?? "Examples/WordCount/Resources/kjv.tsv"
                let isComplete = try await run.process(
                    topology, input: book, into: "lines",
                    failures: FailurePolicies(deserialization: .deadLetter(topic: "lines-dead-letters"))
                ) { line, _ in
                    guard let tab = line.firstIndex(of: UInt8(ascii: "\t")) else { return (nil, line, now()) }
                    return (Array(line[..<tab]), UnsafeRawBufferPointer(rebasing: line[(tab + 1)...]), now())
                }
                try report(run, isComplete: isComplete)
            })
    }

    private static func now() -> Timestamp { SystemClock().now() }

    private static func report(_ run: ExampleRun, isComplete: Bool) throws {
        let counts = try run.latestValues(of: "word-counts", key: .string, value: Serde<Int64>.bigEndian)
        if let path = run.options.output {
            try OutputFile.write(counts.map { "\($0.key)\t\($0.value)" }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }, to: path)
        }
        let total = counts.values.reduce(Int64(0)) { $0 + $1 }
        print(
            "\(counts.count) different words, \(total) in all\(isComplete ? "" : " so far (stopped before the end; start again to go on)")")
        let top = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(run.options.top)
        print(BarChart.text(top.map { ($0.key, $0.value) }), terminator: "")
    }
}
