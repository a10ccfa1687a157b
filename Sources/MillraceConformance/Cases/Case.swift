import MillraceCore

/// A program of the suite, its inputs, and what Kafka Streams did with them.
struct Case: Codable, Sendable {
    var name: String
    var profile: String?
    var about: String?
    var config: Config?
    var program: [Statement]
    var inputs: [Event]
    var topology: Shape?
    var expected: Expected
    var storeDependent: Bool?

    var describe: String?
    var describeOptimized: String?
    var describeOptimizedError: String?
    var internalTopics: [String: ExpectedTopic]?
    var internalStoreDependent: Bool?

    struct Config: Codable, Sendable {
        var defaultStore: String?
        var storeFormat: String?
    }

    /// How many subtopologies and global stores there are, and which internal topics records go through.
    struct Shape: Codable, Sendable {
        var subtopologies: Int
        var globalStores: Int
        var internalTopics: [String]
    }

    enum CodingKeys: String, CodingKey {
        case name, profile, about, config, program, inputs, topology, expected, storeDependent, describe, describeOptimized
        case describeOptimizedError
        case internalTopics = "internal"
        case internalStoreDependent
    }

    /// Whether what is expected hangs on the kind of store, so that a difference weighs less.
    var isSoft: Bool { storeDependent == true || internalStoreDependent == true }
}

/// Something that happens to a program: a record in one of its topics, or the wall clock moves.
struct Event: Codable, Sendable {
    var topic: String?
    var key: String?
    var value: String?
    var ts: Int64?
    var headers: [[String?]]?
    var advanceWallClock: Int64?
}

/// Outputs and stores at the end, or an error.
struct Expected: Codable, Sendable {
    var outputs: [String: [OutputRecord]]?
    var stores: [String: StoreContents]?
    var error: String?
    var phase: String?
    var at: Int?
}

/// A record in a topic that is not internal, as text.
struct OutputRecord: Codable, Equatable, Sendable {
    var key: String?
    var value: String?
    var ts: Int64
    var headers: [[String?]]?

    /// Equal to the byte; Swift's own equality of strings takes differently composed characters for the same.
    static func == (left: OutputRecord, right: OutputRecord) -> Bool {
        left.ts == right.ts && Text.same(left.key, right.key) && Text.same(left.value, right.value)
            && (left.headers ?? []).elementsEqual(right.headers ?? []) { $0.elementsEqual($1, by: Text.same) }
    }
}
