/// A state store that a topology asks for: its name, its changelog, and a payload that knows how to make it.
///
/// Copies of one declaration are the same store, so it may be given to several processors. Two declarations made apart are
/// different stores even if everything about them looks alike: under one name in one topology they are an error.
/// Kafka's counterpart is `StoreBuilder`.
public struct StoreDeclaration: Sendable {
    /// The store's name, unique in its topology. It becomes part of the changelog's name.
    public let name: String
    /// Whether each change is written to a changelog topic, from which the store is restored.
    public var isLogged: Bool
    /// What the changelog topic is created with, such as `cleanup.policy`. Not used when the source topic is the changelog.
    public var changelogSettings: [String: String]
    /// Whether a source topic may not stand in for the changelog.
    public var needsOwnChangelog = false
    /// How long old versions of a row are kept, in milliseconds, if the store is a versioned one.
    public var historyRetention: Int64?
    /// What the engine needs to make the store. The plan does not look into it.
    public var payload: any Sendable

    /// What copies share and others do not.
    private final class Identity: Sendable {}
    private let identity = Identity()

    public init(
        _ name: String, isLogged: Bool = true, changelogSettings: [String: String] = [:], historyRetention: Int64? = nil,
        payload: any Sendable = ()
    ) {
        self.name = name
        self.isLogged = isLogged
        self.changelogSettings = changelogSettings
        self.historyRetention = historyRetention
        self.payload = payload
    }

    /// Whether both are copies of one declaration.
    public func isSame(as other: StoreDeclaration) -> Bool {
        identity === other.identity
    }
}
