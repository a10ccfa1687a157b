import Foundation

/// A directory that does not exist yet, and no longer exists when the test is over.
final class TemporaryDirectory {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("millrace-\(UUID())/state").path

    deinit {
        try? FileManager.default.removeItem(atPath: (path as NSString).deletingLastPathComponent)
    }
}
