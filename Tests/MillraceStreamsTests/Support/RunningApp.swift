import Foundation
import Millrace

/// An app that runs beside a test, on a log of its own.
final class RunningApp: Sendable {
    let app: StreamsApp
    private let run: Task<Void, any Error>

    /// Returns when the app is running.
    init(_ disk: AppOnDisk, configure: (inout StreamsConfiguration) -> Void = { _ in }, _ describe: (StreamsBuilder) -> Void) async throws {
        let builder = StreamsBuilder()
        describe(builder)
        var configuration = StreamsConfiguration(applicationID: "app")
        configure(&configuration)
        let app = StreamsApp(try builder.build(), on: disk.backend, configuration: configuration)
        self.app = app
        run = Task { try await app.run() }
        while app.state == .created || app.state == .restoring { try await Task.sleep(for: .milliseconds(1)) }
    }

    /// Waits until the app has processed and committed this many records.
    func process(_ count: Int) async throws {
        while app.processedRecords < count, app.state == .running || app.state == .paused {
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    func stop() async throws {
        app.shutDown()
        try await run.value
    }

    /// Ends it without a commit, as a crash would.
    func abandon() async {
        run.cancel()
        _ = await run.result
    }
}
