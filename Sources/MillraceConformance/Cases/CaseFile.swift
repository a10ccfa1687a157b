import Foundation
import MillraceCore
import MillraceJSON

/// A file of cases, one JSON object a line.
public struct CaseFile {
    let path: String
    private let bytes: [UInt8]

    /// - Throws: `MillraceError` of kind `configuration` when the file cannot be read.
    public init(_ path: String) throws {
        self.path = path
        guard let data = FileManager.default.contents(atPath: path) else {
            throw MillraceError(.configuration, "\(path) cannot be read. Give files of cases, such as cases/windows.jsonl.")
        }
        bytes = Array(data)
    }

    /// The lines, each a case.
    var lines: [ArraySlice<UInt8>] { bytes.split(separator: UInt8(ascii: "\n")) }

    /// - Throws: `MillraceError` of kind `serialization` when a line is not a case.
    static func decode(_ line: ArraySlice<UInt8>) throws -> Case {
        try line.withUnsafeBytes { try serde.read($0) }
    }

    private static let serde = Serde<Case>.json()
}
