import Foundation

/// The files of this repository, as text.
enum SourceTree {
    struct File: Sendable {
        /// Relative to the root of the repository.
        let path: String
        let text: String

        var name: String { String(path.split(separator: "/").last ?? "") }
        var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
        /// The folder below `Sources`, which is the name of the target.
        var target: String? {
            let parts = path.split(separator: "/")
            return parts.first == "Sources" && parts.count > 2 ? String(parts[1]) : nil
        }
    }

    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .path

    /// All Swift code of the repository, with comments and the contents of string literals taken out of `code`.
    static let swiftFiles: Result<[(file: File, code: String)], any Error> = Result {
        let all = try files(in: ["Sources", "Examples", "Tests", "Benchmarks"], endingIn: [".swift"]) + [file("Package.swift")]
        return all.map { ($0, Ban.code(of: $0.text)) }
    }

    /// All files below these folders whose names end so, except in hidden folders such as `.build`.
    static func files(in folders: [String], endingIn endings: [String]) throws -> [File] {
        try folders.flatMap { folder -> [File] in
            let paths = FileManager.default.subpaths(atPath: root + "/" + folder) ?? []
            return try paths.sorted()
                .filter { path in
                    endings.contains { path.hasSuffix($0) } && !path.split(separator: "/").contains { $0.hasPrefix(".") }
                }
                .map { try file(folder + "/" + $0) }
        }
    }

    static func file(_ path: String) throws -> File {
        File(path: path, text: String(decoding: try Data(contentsOf: URL(fileURLWithPath: root + "/" + path)), as: UTF8.self))
    }

    /// The documents: those of the root, and those below the folders.
    static func documents() throws -> [File] {
        let names = try FileManager.default.contentsOfDirectory(atPath: root).filter { $0.hasSuffix(".md") }.sorted()
        return try names.map(file) + files(in: ["docs", "Examples", "Benchmarks", "Sources", "Tests"], endingIn: [".md"])
    }
}
