import Foundation

/// Writes to standard error, for messages that are not results.
enum StandardError {
    static func write(_ text: String) {
        FileHandle.standardError.write(Data(text.utf8))
    }
}
