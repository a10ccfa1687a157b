import Foundation
import Synchronization

/// A cluster of real brokers on this machine, in a directory of its own.
///
///     let cluster = try RealCluster(settings: ["delete.topic.enable": "false"])
///     defer { cluster.stop() }
package final class RealCluster {
    /// Where the cluster keeps everything: the broker n logs to `n.log` and has its data in `data<n>`, from 1 on.
    package let directory: String
    /// What clients start from.
    package let bootstrapServers: String
    private let brokers: Int
    private let port: Int
    private let settings: [String: String]
    private let isOurs: Bool
    private var isRunning = false
    private static let clusters = Atomic(0)

    /// Starts brokers.
    ///
    /// - Parameters:
    ///   - settings: Settings of the brokers, by Kafka's names, that are not those of `shared/kafka`.
    ///   - directory: Where to keep everything, and not to remove it in the end; one of its own that `stop` removes when `nil`.
    ///   - starts: Whether to start the brokers now.
    package init(brokers: Int = 1, settings: [String: String] = [:], in directory: String? = nil, starts: Bool = true) throws {
        let number = RealCluster.clusters.wrappingAdd(1, ordering: .relaxed).oldValue
        let process = Int(ProcessInfo.processInfo.processIdentifier)
        self.brokers = brokers
        self.settings = settings
        self.directory = directory ?? NSTemporaryDirectory() + "millrace-kafka-\(process)-\(number)"
        isOurs = directory == nil
        // Each broker takes two ports, and those of a cluster are ten apart: five clusters of up to three brokers for each process, below what the system gives out itself.
        port = 12_000 + process % 660 * 30 + number % 5 * 2
        bootstrapServers = (0..<brokers).map { [port] in "127.0.0.1:\(port + 10 * $0)" }.joined(separator: ",")
        if starts { try start() }
    }

    /// Starts the brokers, again after `stop` if the directory was given.
    package func start() throws {
        isRunning = true
        try script("start", "-n", "\(brokers)", "-p", "\(port)")
        guard !settings.isEmpty else { return }
        // The script writes the settings anew when it starts a cluster, but not when it starts a broker again.
        let lines = settings.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)\n" }.joined()
        for broker in 1...brokers {
            try kill(broker)
            let file = "\(directory)/\(broker).properties"
            try (String(contentsOfFile: file, encoding: .utf8) + lines).write(toFile: file, atomically: true, encoding: .utf8)
        }
        for broker in 1...brokers { try restart(broker) }
    }

    package func stop() {
        guard isRunning else { return }
        isRunning = false
        do { try script("stop") } catch { print("The brokers in \(directory) could not be stopped: \(error)") }
        if isOurs { try? FileManager.default.removeItem(atPath: directory) }
    }

    /// Ends a broker, counted from 1, at once.
    package func kill(_ broker: Int) throws {
        try script("kill", "\(broker)")
        // The system takes a moment to end it, and one that still runs is not started again.
        for _ in 0..<100
        where try script("status", []).split(separator: "\n").contains(where: { $0.hasPrefix("\(broker) ") && $0.hasSuffix("up") }) {
            usleep(50_000)
        }
    }
    /// Starts a broker that was killed.
    package func restart(_ broker: Int) throws { try script("restart", "\(broker)") }
    /// Stops a broker without ending it, until `resume`.
    package func pause(_ broker: Int) throws { try script("pause", "\(broker)") }
    package func resume(_ broker: Int) throws { try script("resume", "\(broker)") }

    /// What one of Kafka's own tools says, such as `topics` or `streams-groups`.
    @discardableResult
    package func tool(_ arguments: String...) throws -> String {
        try script("tool", arguments)
    }

    private func script(_ command: String, _ arguments: String...) throws {
        try script(command, arguments)
    }

    @discardableResult
    private func script(_ command: String, _ arguments: [String]) throws -> String {
        try OutsideProgram.output(of: RealKafka.requireScript(), [command, directory] + arguments)
    }
}
