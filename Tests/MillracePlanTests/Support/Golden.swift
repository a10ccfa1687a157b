import Foundation
import Testing

/// What Kafka Streams 4.3.1 printed for a program, every list in it sorted.
func golden(_ name: String) throws -> String {
    let url = try #require(Bundle.module.url(forResource: name, withExtension: "txt", subdirectory: "Golden"))
    return try String(contentsOf: url, encoding: .utf8)
}
