import Foundation

/// The real Apache Kafka that tests are held against: the script `kafka` in the directory `shared` beside the package, or where `MILLRACE_SHARED` says. It needs Java.
package enum RealKafka {
    /// The script that starts clusters and Kafka's own tools; `nil`, and said so once, where there is none or no Java.
    package static let script: String? = {
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let beside = [package.deletingLastPathComponent(), package.deletingLastPathComponent().deletingLastPathComponent()].map {
            $0.path + "/shared"
        }
        let places = (ProcessInfo.processInfo.environment["MILLRACE_SHARED"].map { [$0] } ?? []) + beside
        let found = places.map { $0 + "/kafka/kafka" }.first { FileManager.default.isExecutableFile(atPath: $0) }
        let hasJava = (try? OutsideProgram.run("/usr/bin/env", ["java", "-version"]).status) == 0
        guard let found, hasJava else {
            print("SKIPPED: a real Kafka needs Java and shared/kafka (set MILLRACE_SHARED); nothing was held against it.")
            return nil
        }
        return found
    }()

    /// Whether tests that start brokers can run and were asked for: they take minutes.
    package static let isWanted: Bool = {
        let environment = ProcessInfo.processInfo.environment
        guard environment["MILLRACE_KAFKA_TESTS"] == "1" || environment["MILLRACE_KAFKA_BOOTSTRAP"] != nil else {
            print("SKIPPED: tests that start real Kafka brokers run with \"make test-kafka\".")
            return false
        }
        return script != nil
    }()

    /// The class path of Kafka's jars, for a program of a test in Java.
    package static func classPath() throws -> String {
        try OutsideProgram.output(of: requireScript(), ["classpath"]).split(separator: "\n").first.map(String.init) ?? ""
    }

    static func requireScript() throws -> String {
        guard let script else { throw OutsideProgram.Failure(description: "There is no real Kafka here.") }
        return script
    }
}
