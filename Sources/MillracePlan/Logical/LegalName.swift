import MillraceCore

/// The rule for names that users give to nodes and stores: they become parts of topic names, so the rule is that of topic names.
public enum LegalName {
    /// The longest name allowed, in characters.
    public static let maximumLength = 249

    /// Checks a name. Kafka: `Named.validate`.
    ///
    /// - Parameter what: What is to have the name, for the message.
    /// - Throws: `MillraceError` of kind `.topology` for a name that is empty, `.`, `..`, longer than `maximumLength`, or has a character
    ///   other than ASCII letters, digits, `.`, `_` and `-`.
    public static func check(_ name: String, of what: String = "node") throws(MillraceError) {
        guard !name.isEmpty else {
            throw MillraceError(.topology, "The name of a \(what) is empty. Give a name, or leave it out to get a generated one.")
        }
        guard name != ".", name != ".." else {
            throw MillraceError(.topology, "The name \"\(name)\" means a folder, so no \(what) can be called so. Choose another name.")
        }
        guard name.utf16.count <= maximumLength else {
            throw MillraceError(
                .topology, "The name \"\(name)\" of a \(what) has \(name.utf16.count) characters. Shorten it to \(maximumLength).")
        }
        guard name.utf8.allSatisfy(isAllowed) else {
            throw MillraceError(
                .topology,
                "The name \"\(name)\" of a \(what) has a character that topics may not have. Use letters a to z, digits, '.', '_' and '-'.")
        }
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
