import MillraceCore
import MillraceStreams

extension WindowParameters {
    /// Tumbling or hopping windows.
    func time() throws -> TimeWindows {
        guard let size else { throw BadProgram("time windows lack \"size\"") }
        guard let advance else { return .tumbling(size: .milliseconds(size), grace: gracePeriod) }
        return .hopping(size: .milliseconds(size), advance: .milliseconds(advance), grace: gracePeriod)
    }

    func sliding() throws -> SlidingWindows {
        guard let diff else { throw BadProgram("sliding windows lack \"diff\"") }
        return SlidingWindows(difference: .milliseconds(diff), grace: gracePeriod)
    }

    func session() throws -> SessionWindows {
        guard let gap else { throw BadProgram("session windows lack \"gap\"") }
        return SessionWindows(gap: .milliseconds(gap), grace: gracePeriod)
    }

    var unlimited: UnlimitedWindows { UnlimitedWindows(startingAt: Timestamp(milliseconds: start ?? 0)) }

    private var gracePeriod: Duration? { grace.map { .milliseconds($0) } }
}
