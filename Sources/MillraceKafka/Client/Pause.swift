#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Waiting a moment before the cluster is asked again.
enum Pause {
    static func wait(milliseconds: UInt32) {
        usleep(milliseconds * 1000)
    }
}
