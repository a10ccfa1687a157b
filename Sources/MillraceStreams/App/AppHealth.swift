import MillraceCore

/// Whether an app should be started anew, and whether it does its work: what an orchestrator asks for.
public struct AppHealth: Sendable, Equatable {
    /// `false` once the app has ended, for whatever reason: it does not come back by itself.
    public var isLive: Bool
    /// Whether it processes records. Not before its state is restored, and not while it is paused or stopping.
    public var isReady: Bool
    /// One line on why it is or is not ready.
    public var reason: String
}

extension StreamsApp {
    /// Whether the app is alive and at work, from any thread.
    public var health: AppHealth {
        let metrics = metrics
        return AppHealth(isLive: metrics.state != .stopped, isReady: metrics.state == .running, reason: metrics.stateInWords)
    }
}

extension AppMetrics {
    /// What the app is doing, for people.
    var stateInWords: String {
        switch state {
        case .created: "created: run() has not been called yet"
        case .restoring:
            if let store = restores.first(where: { !$0.isComplete }) {
                "restoring: store \(store.store) of task \(store.task) has \(store.restored) of \(store.total) records of its changelog"
                    + (store.timeLeft.map { ", about \($0.milliseconds / 1000) s left" } ?? "")
            } else {
                "restoring: opening topics and state"
            }
        case .running: "running"
        case .paused: "paused: resume() has not been called yet"
        case .stopping: "stopping: finishing the work at hand"
        case .stopped: "stopped: run() has returned or thrown"
        }
    }
}
