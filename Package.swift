// swift-tools-version: 6.2
import PackageDescription

// Which target may know which is drawn in ARCHITECTURE.md and checked by Tests/TidyTests.
let package = Package(
    name: "millrace",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "Millrace", targets: ["Millrace"]),
        .library(name: "MillraceHTTP", targets: ["MillraceHTTP"]),
        .library(name: "MillraceKafka", targets: ["MillraceKafka"]),
        .library(name: "MillraceTestKit", targets: ["MillraceTestKit"]),
        .executable(name: "millrace", targets: ["millrace-cli"]),
    ],
    targets: [
        // Vocabulary, and Kafka's bytes.
        .target(name: "MillraceCore"),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"]), .brew(["lz4"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"]), .brew(["zstd"])]),
        .systemLibrary(name: "CSnappy", providers: [.apt(["libsnappy-dev"]), .brew(["snappy"])]),
        .target(name: "CMillraceBytes"),
        .target(
            name: "MillraceFormats",
            dependencies: ["MillraceCore", "CMillraceBytes", "CZlib", "CLZ4", "CZstd", "CSnappy"]),

        // From a program to a running topology.
        .target(name: "MillracePlan", dependencies: ["MillraceCore"]),
        .target(name: "MillraceStreams", dependencies: ["MillraceCore", "MillraceFormats", "MillracePlan"]),

        // What the streams stand on.
        .target(name: "MillraceSystem", dependencies: ["MillraceCore"]),
        .target(name: "MillraceLog", dependencies: ["MillraceCore", "MillraceFormats", "MillraceSystem"]),
        .systemLibrary(name: "CRocksDB", pkgConfig: "rocksdb", providers: [.apt(["librocksdb-dev"]), .brew(["rocksdb"])]),
        .target(name: "MillraceRocksDB", dependencies: ["MillraceCore", "CRocksDB"]),
        .target(
            name: "CSimdJSON", cxxSettings: [.define("NDEBUG")], linkerSettings: [.linkedLibrary("simdjson")]),
        .target(name: "MillraceJSON", dependencies: ["MillraceCore", "CSimdJSON"]),

        // Kafka's wire protocol, for what librdkafka does not say.
        .target(name: "MillraceWire", dependencies: ["MillraceCore", "MillraceFormats"]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"]), .brew(["openssl"])]),
        .target(name: "MillraceCluster", dependencies: ["MillraceCore", "MillraceSystem", "MillraceWire", "COpenSSL"]),

        // What an app imports, and what its tests import.
        .target(
            name: "Millrace",
            dependencies: ["MillraceCore", "MillraceStreams", "MillraceLog", "MillraceRocksDB", "MillraceJSON", "MillraceSystem"]),
        // Metrics and health for others to fetch.
        .systemLibrary(
            name: "CMicroHTTPD", pkgConfig: "libmicrohttpd", providers: [.apt(["libmicrohttpd-dev"]), .brew(["libmicrohttpd"])]),
        .target(name: "MillraceHTTP", dependencies: ["MillraceCore", "MillraceStreams", "CMicroHTTPD"]),
        // The same app on a Kafka cluster: a product of its own, so that who does not use it needs no librdkafka.
        .systemLibrary(name: "CRdKafka", pkgConfig: "rdkafka", providers: [.apt(["librdkafka-dev"]), .brew(["librdkafka"])]),
        .target(
            name: "MillraceKafka",
            dependencies: ["CRdKafka", "Millrace", "MillraceCluster", "MillraceCore", "MillraceFormats", "MillraceSystem"]),
        .target(
            name: "MillraceTestKit", dependencies: ["MillraceCore", "MillraceFormats", "MillracePlan", "MillraceStreams"]),
        .target(name: "CGetopt"),
        .target(name: "MillraceCommandLine", dependencies: ["CGetopt"]),
        .executableTarget(
            name: "millrace-cli",
            dependencies: ["MillraceCore", "MillraceFormats", "MillraceLog", "MillraceJSON", "MillraceSystem", "MillraceCommandLine"]),
        // Runs the cases of the conformance suite, which Kafka Streams itself has run.
        .target(
            name: "MillraceConformance",
            dependencies: ["MillraceCore", "MillraceStreams", "MillraceJSON", "MillracePlan", "MillraceTestKit"]),
        .executableTarget(name: "millrace-conformance", dependencies: ["MillraceConformance"]),

        // For tests and measuring only.
        .target(
            name: "MillraceSimulator",
            dependencies: ["MillraceCore", "MillraceFormats", "MillraceLog", "MillraceStreams", "MillraceSystem", "MillraceTestKit"]),
        .executableTarget(name: "millrace-simulate", dependencies: ["MillraceSimulator", "MillraceCommandLine"]),
        .executableTarget(
            name: "millrace-log-bench",
            dependencies: ["MillraceCore", "MillraceFormats", "MillraceLog", "MillraceSystem", "MillraceCommandLine"],
            path: "Benchmarks/millrace-log-bench"),

        .target(
            name: "ExampleSupport",
            dependencies: ["Millrace", "MillraceHTTP", "MillraceFormats", "MillraceKafka", "MillraceCommandLine", "CZlib"],
            path: "Examples/Support"),
        .executableTarget(
            name: "WordCount", dependencies: ["Millrace", "ExampleSupport"], path: "Examples/WordCount", exclude: ["README.md"],
            resources: [.copy("Resources/kjv.tsv")]),
        .executableTarget(
            name: "FraudDetection", dependencies: ["Millrace", "ExampleSupport"], path: "Examples/FraudDetection", exclude: ["README.md"]),

        // The same work as other systems do in the peer benchmark, and the input for it.
        .target(name: "BenchmarkSupport", path: "Benchmarks/Support"),
        .target(name: "BenchmarkScenarios", dependencies: ["Millrace"], path: "Benchmarks/Scenarios"),
        .executableTarget(
            name: "millrace-bench",
            dependencies: [
                "Millrace", "MillraceFormats", "MillraceKafka", "MillraceSystem", "MillraceCommandLine", "BenchmarkScenarios",
                "BenchmarkSupport",
            ],
            path: "Benchmarks/millrace-bench"),
        // Instructions and allocations of the hot parts.
        .target(name: "CCounters", path: "Benchmarks/CCounters", publicHeadersPath: "include"),
        .executableTarget(
            name: "millrace-microbench",
            dependencies: [
                "Millrace", "MillraceFormats", "MillracePlan", "MillraceStreams", "MillraceCommandLine", "BenchmarkScenarios",
                "BenchmarkSupport", "CCounters",
            ],
            path: "Benchmarks/millrace-microbench"),
        // What several tests start brokers with.
        .target(name: "RealKafka", path: "Tests/RealKafka"),
        .testTarget(name: "BenchmarkSupportTests", dependencies: ["BenchmarkSupport"]),

        // The style guide, and documents that agree with the code.
        .testTarget(name: "TidyTests"),
        // What the documents show, as code that compiles and runs.
        .testTarget(name: "SnippetTests", dependencies: ["Millrace", "MillraceHTTP", "MillraceKafka", "MillraceTestKit"]),
        // A process that is killed at a call to the file system.
        .target(name: "CKillAt", path: "Tests/CKillAt"),
        .executableTarget(name: "kill-target", dependencies: ["Millrace", "MillraceFormats", "CKillAt"], path: "Tests/KillTarget"),
        .testTarget(name: "ExamplesTests", dependencies: ["WordCount", "FraudDetection", "kill-target"]),
        .testTarget(name: "MillraceCoreTests", dependencies: ["MillraceCore"]),
        .testTarget(name: "MillraceFormatsTests", dependencies: ["MillraceFormats"]),
        .testTarget(
            name: "MillraceClusterTests", dependencies: ["MillraceCluster", "MillraceWire", "MillraceFormats", "MillraceCore", "RealKafka"]),
        .testTarget(name: "MillracePlanTests", dependencies: ["MillracePlan", "MillraceCore"], resources: [.copy("Golden")]),
        .testTarget(
            name: "MillraceLogTests", dependencies: ["MillraceLog", "MillraceFormats", "MillraceSystem", "MillraceSimulator", "RealKafka"],
            exclude: ["Broker"]),
        .testTarget(name: "MillraceSimulatorTests", dependencies: ["MillraceSimulator"]),
        .testTarget(name: "MillraceRocksDBTests", dependencies: ["MillraceRocksDB", "MillraceTestKit"]),
        // A process that several tests start more than one of.
        .executableTarget(
            name: "kafka-member", dependencies: ["Millrace", "MillraceFormats", "MillraceKafka"], path: "Tests/KafkaMember",
            exclude: ["JavaNumbers.java"]),
        .testTarget(
            name: "MillraceKafkaTests",
            dependencies: ["MillraceKafka", "MillraceFormats", "MillraceTestKit", "CRdKafka", "RealKafka", "kafka-member"],
            exclude: ["Security/make-certificates"]),
        .testTarget(name: "MillraceJSONTests", dependencies: ["MillraceJSON"]),
        .testTarget(
            name: "MillraceConformanceTests", dependencies: ["MillraceConformance"], resources: [.copy("Cases")]),
        .testTarget(name: "MillraceHTTPTests", dependencies: ["MillraceHTTP", "Millrace"]),
        .testTarget(name: "MillraceStreamsTests", dependencies: ["Millrace", "MillraceTestKit"]),
        .testTarget(
            name: "MillraceCLITests",
            dependencies: ["Millrace", "MillraceCore", "MillraceFormats", "MillraceLog", "MillraceCommandLine", "millrace-cli"]),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)
