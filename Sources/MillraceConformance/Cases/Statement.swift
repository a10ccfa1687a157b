/// One statement of a program. Which fields it has hangs on `op`; the suite's README lists them.
struct Statement: Codable, Sendable {
    var id: String?
    var op: String
    var inputs: Inputs?
    var topic: String?
    var topics: [String]?
    var topicFrom: String?
    var extractor: String?
    var name: String?
    var partitions: Int?

    var pred: String?
    var key: String?
    var value: String?
    var values: String?
    var joiner: String?
    var fk: String?
    var initial: String?
    var agg: String?
    var aggs: [String]?
    var merger: String?
    var reducer: String?
    var subtractor: String?
    var processor: String?
    var transformer: String?

    var branches: [Branch]?
    var defaultBranch: String?
    var window: WindowParameters?
    var grace: Int64?
    var emit: String?
    var until: String?
    var ms: Int64?
    var maxRecords: Int64?
    var full: String?

    var store: String?
    var storeType: String?
    var state: String?
    var connect: Bool?
    var history: Int64?
    var retention: Int64?

    struct Branch: Codable, Sendable {
        var id: String
        var pred: String
    }

    enum CodingKeys: String, CodingKey {
        case id, op
        case inputs = "in"
        case topic, topics, topicFrom, extractor, name, partitions, pred, key, value, values, joiner, fk
        case initial = "init"
        case agg, aggs, merger, reducer,
            subtractor, processor, transformer, branches
        case defaultBranch = "default"
        case window, grace, emit, until, ms, maxRecords, full, store, storeType,
            state, connect, history, retention
    }

    /// A parameter that the statement must have.
    ///
    /// - Throws: `BadProgram` when it is missing.
    func required<Parameter>(_ name: String, _ parameter: KeyPath<Statement, Parameter?>) throws -> Parameter {
        guard let value = self[keyPath: parameter] else { throw BadProgram("\(op) lacks \"\(name)\"") }
        return value
    }
}

/// What a statement applies to: one id, or a list of several.
struct Inputs: Codable, Sendable {
    var ids: [String]

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let ids = try? container.decode([String].self) {
            self.ids = ids
        } else {
            ids = [try container.decode(String.self)]
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(ids)
    }
}

/// The windows of an aggregation or a stream-stream join, in milliseconds.
struct WindowParameters: Codable, Hashable, Sendable {
    var type: String?
    var size: Int64?
    var advance: Int64?
    var diff: Int64?
    var gap: Int64?
    var start: Int64?
    var grace: Int64?
    var before: Int64?
    var after: Int64?
}

/// A program that the suite's language does not define, or that uses what the DSL does not have. Never an expected error.
struct BadProgram: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
