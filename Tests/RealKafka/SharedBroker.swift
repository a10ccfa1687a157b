import Foundation

/// One broker for all tests that only need some broker, started with the first of them and stopped when the process ends. `MILLRACE_KAFKA_BOOTSTRAP` names one that runs already
/// and whose topics the tests will use.
package enum SharedBroker {
    /// Only its end is told to it, when nobody else runs any more.
    nonisolated(unsafe) private static let broker: Result<RealCluster, any Error> = Result {
        let broker = try RealCluster()
        atexit { if case .success(let broker) = SharedBroker.broker { broker.stop() } }
        return broker
    }

    /// The broker's address.
    package static func bootstrapServers() throws -> String {
        try ProcessInfo.processInfo.environment["MILLRACE_KAFKA_BOOTSTRAP"] ?? broker.get().bootstrapServers
    }
}
