import Testing

/// Something that may not stand in the code, and what to write instead.
struct Ban: Sendable, CustomTestStringConvertible {
    /// A regular expression for what is looked for, outside of comments and string literals unless `includingComments`.
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

    /// The numbers of the lines of a text, from 1, on which the ban is broken.
    func lines(in text: String) throws -> [Int] {
        // The default, Unicode's word boundaries, takes "Clock.now" for one word.
        let regex = try Regex(pattern).wordBoundaryKind(.simple).matchingSemantics(.unicodeScalar).anchorsMatchLineEndings()
        return text.matches(of: regex).map { match in text.utf8[..<match.range.upperBound].count { $0 == UInt8(ascii: "\n") } + 1 }
    }

    /// The text without its line comments and without what stands in string literals, line by line.
    static func code(of text: String) -> String {
        var code: [UInt8] = []
        code.reserveCapacity(text.utf8.count)
        var isInString = false
        var isInComment = false
        var previous: UInt8 = 0
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\n"):
                isInString = false
                isInComment = false
                code.append(byte)
            case _ where isInComment: break
            case UInt8(ascii: "\"") where previous != UInt8(ascii: "\\"):
                isInString.toggle()
                code.append(byte)
            case _ where isInString: break
            case UInt8(ascii: "/") where previous == byte:
                isInComment = true
                code.removeLast()
            default: code.append(byte)
            }
            previous = byte
        }
        return String(decoding: code, as: UTF8.self)
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
            pattern: #"\bfatalError\("#,
            instead: "throw a MillraceError for input, use precondition with the invariant in words for programming errors",
            scope: ["Sources/", "Examples/"], example: "default: fatalError()"),
        Ban(
            pattern: #"^(?!.*\bfunc print\().*(?:^|[^.\w])print\("#,
            instead: "log through MillraceLogger; standard output belongs to programs", scope: libraries,
            except: ["Sources/MillraceConformance/Report/ConformanceCommand.swift", "Sources/MillraceCommandLine/CommandTree.swift"],
            example: "print(record)"),
        Ban(
            pattern: #"\bDate\(\)|\bDate\.now\b|\bclock_gettime|\bgettimeofday\(|\b(Continuous|Suspending)Clock\b|\bDispatchTime\b"#,
            instead: "take the time as an argument, or ask a WallClock", scope: ["Sources/"],
            except: [
                "Sources/MillraceSystem/SystemClock.swift", "Sources/MillraceSystem/Monitor.swift",
                "Sources/MillraceStreams/Engine/EndOfWorkers.swift",
            ], example: "let start = ContinuousClock.now"),
        Ban(
            pattern: #"\bSystemRandomNumberGenerator\b|\.random\(in: [^,)]*\)|\.shuffled\(\)|\.randomElement\(\)"#,
            instead: "take a seeded generator as an argument, so that the same input gives the same bytes", scope: libraries,
            except: ["Sources/MillraceLog/EmbeddedLog+Topics.swift", "Sources/MillraceStreams/Engine/StateDirectory.swift"],
            example: "let partition = Int.random(in: 0..<4)"),
        Ban(
            pattern: #"\bpthread_create\(|\bDispatchQueue\b|\bThread\b\s*[.({]|\bTask\s*\{|\bTask\.detached\b"#,
            instead: "start threads by WorkerThread or BackgroundThread only", scope: libraries,
            except: ["Sources/MillraceSystem/BackgroundThread.swift", "Sources/MillraceStreams/Engine/WorkerThread.swift"],
            example: "Task { await run() }"),
        Ban(
            pattern: #"\bNSLock\b|\bDispatchSemaphore\b|\bos_unfair_lock\b"#,
            instead: "use Mutex of Synchronization, or Monitor of MillraceSystem",
            scope: libraries, example: "private let lock = NSLock()"),
        Ban(
            pattern: #"^\s*(public )?import (Foundation|Dispatch)\b"#,
            instead: "use the standard library; Foundation is for MillraceJSON and programs, FoundationEssentials for Millrace",
            scope: ["Core", "Formats", "Plan", "Streams", "System", "Log", "RocksDB", "Wire", "TestKit"].map { "Sources/Millrace\($0)/" },
            example: "import Foundation"),
        Ban(
            pattern: #"@_exported\b"#, instead: "import where it is used; only the module Millrace passes others on", scope: ["Sources/"],
            except: ["Sources/Millrace/Millrace.swift"], example: "@_exported import MillraceCore"),
        Ban(
            pattern: #"\bunsafeFlags\b|\binteroperabilityMode\b"#,
            instead: "leave it out: packages that depend on Millrace could not be built",
            scope: ["Package.swift"], example: "swiftSettings: [.unsafeFlags([])]"),
        Ban(
            pattern: #"\b(class|struct|enum|actor|protocol|typealias) \w*(Impl|Manager|Helper|Helpers|Util|Utils|Abstract)\b"#,
            instead: "name it by what it does or is", scope: everywhere, example: "final class StoreManager {"),
        Ban(
            pattern: #"\b(TO"# + #"DO|FIX"# + #"ME|XX"# + #"X|HA"# + #"CK)\b"#, instead: "do it now, or open an issue", scope: everywhere,
            includingComments: true, example: "// TO" + "DO: later"),
        Ban(
            pattern: #"\.disabled\(|#expect\(true\)"#, instead: "mend the test or delete it; one that cannot fail says nothing",
            scope: ["Tests/"],
            example: "@Test(.disabled()) func later() {}"),
    ]
}
