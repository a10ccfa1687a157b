import Testing

/// Something that may not stand in the code, and what to write instead.
struct Ban: Sendable, CustomTestStringConvertible {
    /// What is looked for, outside of comments and string literals unless `includingComments`.
    let pattern: String
    /// What to do instead.
    let instead: String
    /// Paths that the ban covers, by how they start.
    let scope: [String]
    /// Paths that it does not cover, by how they start: the one place where the thing belongs.
    var except: [String] = []
    var includingComments = false
    /// A line that the ban must find, so that it is known to work.
    let example: String

    var testDescription: String { pattern }

    func covers(_ path: String) -> Bool {
        scope.contains { path.hasPrefix($0) } && !except.contains { path.hasPrefix($0) }
    }

    /// The number of the first line, from 1, on which the ban is broken.
    func lines(in text: String) throws -> [Int] {
        let regex = try Regex(pattern)
        return text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().compactMap { index, line in
            let code = includingComments ? String(line) : Ban.code(of: line)
            return code.contains(regex) ? index + 1 : nil
        }
    }

    /// A line without its comment and without what stands in string literals.
    static func code(of line: Substring) -> String {
        var code = ""
        var isInString = false
        var previous: Character?
        for character in line {
            if character == "\"", previous != "\\" { isInString.toggle() }
            if !isInString {
                if character == "/", previous == "/" {
                    code.removeLast()
                    return code
                }
                code.append(character)
            }
            previous = character
        }
        return code
    }
}

extension Ban {
    private static let libraries = ["Sources/Millrace"]
    private static let everywhere = ["Sources/", "Examples/", "Tests/", "Benchmarks/", "Package.swift"]

    static let all: [Ban] = [
        Ban(
            pattern: #"\btry!"#, instead: "throw on, or catch and say what it means", scope: ["Sources/", "Examples/"],
            example: "let log = try! EmbeddedLog.open(at: path)"),
        Ban(
            pattern: #"\bas!"#, instead: "use as? and throw a MillraceError that names both types", scope: ["Sources/", "Examples/"],
            example: "let node = input as! Node"),
        Ban(
            pattern: #"\bfatalError\("#, instead: "throw a MillraceError for input, use precondition with the invariant in words for programming errors",
            scope: ["Sources/", "Examples/"], example: "default: fatalError()"),
        Ban(
            pattern: #"(?<!func |Swift\.|\.)\bprint\("#, instead: "log through MillraceLogger; standard output belongs to programs", scope: libraries,
            example: "print(record)"),
        Ban(
            pattern: #"\bDate\(\)|\bDate\.now\b|\bclock_gettime|\bgettimeofday\(|\b(Continuous|Suspending)Clock\b|\bDispatchTime\b"#,
            instead: "take the time as an argument, or ask a WallClock", scope: ["Sources/"],
            except: ["Sources/MillraceLog/SystemClock.swift", "Sources/MillraceLog/Monitor.swift"], example: "let start = ContinuousClock.now"),
        Ban(
            pattern: #"\bSystemRandomNumberGenerator\b|\.random\(in:|\.shuffled\(\)|\.randomElement\(\)"#,
            instead: "take a seeded generator as an argument, so that the same input gives the same bytes", scope: libraries,
            except: ["Sources/MillraceLog/EmbeddedLog+Topics.swift"], example: "let partition = Int.random(in: 0..<4)"),
        Ban(
            pattern: #"\bpthread_create\(|\bDispatchQueue\b|\bThread\b\s*[.({]|\bTask\s*\{|\bTask\.detached\b"#,
            instead: "start threads by WorkerThread or BackgroundThread only", scope: libraries,
            except: ["Sources/MillraceLog/Monitor.swift", "Sources/MillraceStreams/Engine/WorkerThread.swift"], example: "Task { await run() }"),
        Ban(
            pattern: #"\bNSLock\b|\bDispatchSemaphore\b|\bos_unfair_lock\b"#, instead: "use Mutex of Synchronization, or Monitor in the log",
            scope: libraries, example: "private let lock = NSLock()"),
        Ban(
            pattern: #"^\s*(public )?import (Foundation|Dispatch)\b"#,
            instead: "use the standard library; Foundation is for MillraceJSON and programs, FoundationEssentials for Millrace",
            scope: ["Core", "Formats", "Plan", "Streams", "Log", "RocksDB", "TestKit"].map { "Sources/Millrace\($0)/" }, example: "import Foundation"),
        Ban(
            pattern: #"@_exported\b"#, instead: "import where it is used; only the module Millrace passes others on", scope: ["Sources/"],
            except: ["Sources/Millrace/Millrace.swift"], example: "@_exported import MillraceCore"),
        Ban(
            pattern: #"\bunsafeFlags\b|\binteroperabilityMode\b"#, instead: "leave it out: packages that depend on Millrace could not be built",
            scope: ["Package.swift"], example: "swiftSettings: [.unsafeFlags([])]"),
        Ban(
            pattern: #"\b(class|struct|enum|actor|protocol|typealias) \w*(Impl|Manager|Helper|Helpers|Util|Utils|Abstract)\b"#,
            instead: "name it by what it does or is", scope: everywhere, example: "final class StoreManager {"),
        Ban(
            pattern: #"\b(TO"# + #"DO|FIX"# + #"ME|XX"# + #"X|HA"# + #"CK)\b"#, instead: "do it now, or open an issue", scope: everywhere,
            includingComments: true, example: "// TO" + "DO: later"),
        Ban(
            pattern: #"\.disabled\(|#expect\(true\)"#, instead: "mend the test or delete it; one that cannot fail says nothing", scope: ["Tests/"],
            example: "@Test(.disabled()) func later() {}"),
    ]
}
