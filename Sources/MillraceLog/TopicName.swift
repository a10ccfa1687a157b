import MillraceCore

/// Kafka's rules for the names of topics, which also make them safe as names of directories.
enum TopicName {
    /// - Throws: `MillraceError` of kind `configuration` that says which rule is broken.
    static func validate(_ name: String) throws {
        let reason: String
        if name.isEmpty {
            reason = "it is empty"
        } else if name == "." || name == ".." {
            reason = "a directory cannot have it"
        } else if name.utf8.count > 249 {
            reason = "it is longer than 249 characters"
        } else if !name.utf8.allSatisfy(isLegal) {
            reason = "only ASCII letters, digits, '.', '_' and '-' are allowed"
        } else {
            return
        }
        throw MillraceError(.configuration, "\"\(name)\" cannot be the name of a topic: \(reason).")
    }

    private static func isLegal(_ character: UInt8) -> Bool {
        switch character {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"): true
        default: false
        }
    }
}
