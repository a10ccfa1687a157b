/// The seam to who decides which worker runs which tasks, where that is not the app itself: on Kafka, the group.
///
/// A session that can join a group hands out its membership (`TransportSession.join`), and the commits of that session carry it, so that a member that was put out changes nothing.
/// Used by the session's thread; whatever talks to the group does so behind it, and calls the session's `wake` when the assignment has changed.
public protocol GroupMembership: AnyObject {
    /// The tasks that this member shall hold, when that has changed since it was asked last. Does not wait.
    ///
    /// The worker gives up what is not in it any more, after a commit, and reports what it holds; only then others get those tasks.
    ///
    /// - Throws: `MillraceError` of kind `fenced` when the group has put the member out: all it holds must be given up without a commit, and it may `join` again. Of kind `cancelled`
    ///   when the group ends the app on all its members: this one commits, and leaves.
    func changedAssignment() throws -> TaskAssignment?

    /// Tells the group what the member holds now, and how far its stores are.
    ///
    /// - Parameters:
    ///   - held: What the worker runs, keeps warm and has begun to restore.
    ///   - positions: For tasks with state on this machine, held or not: the sum of the offsets of their stores along the changelogs.
    func report(_ held: TaskAssignment, positions: [TaskID: Int64])

    /// Asks the group to end the app on all its members: `changedAssignment` then throws on each of them, this one too. A group that cannot tell the others tells this one only.
    ///
    /// Kafka: `SHUTDOWN_APPLICATION`.
    func shutDownApplication()

    /// Leaves, so that others get the tasks at once. May be called several times.
    func leave()
}

/// Tasks by what is done with them.
public struct TaskAssignment: Hashable, Sendable {
    /// Tasks that process.
    public var active: Set<TaskID>
    /// Tasks that only follow their changelogs, to take over quickly.
    public var standby: Set<TaskID>
    /// Tasks that catch up, to become active when they have.
    public var warmUp: Set<TaskID>

    /// Tasks by what is done with them; without arguments, none.
    public init(active: Set<TaskID> = [], standby: Set<TaskID> = [], warmUp: Set<TaskID> = []) {
        self.active = active
        self.standby = standby
        self.warmUp = warmUp
    }
}

/// What a member tells the group when it joins: what there is to share out. Topic names are whole, with the application id where they begin with it.
public struct GroupDeclaration: Hashable, Sendable {
    /// A part of the app that is run as one task for each partition.
    public struct Subtopology: Hashable, Sendable {
        /// The first half of its tasks' ids.
        public var id: Int
        /// The topics of others that its tasks read.
        public var sourceTopics: [String]
        /// The topics of the app that its tasks read, as they have to be; with 0 partitions where the program does not fix their number.
        public var repartitionSourceTopics: [TopicSpecification]
        /// The topics of the app that its tasks write records to for other subtopologies.
        public var repartitionSinkTopics: [String]
        /// The changelogs of its stores, also those that are source topics.
        public var changelogTopics: [TopicSpecification]
        /// Source topics that need equally many partitions.
        public var copartitionGroups: [[String]]

        /// A part of the app.
        public init(
            id: Int, sourceTopics: [String], repartitionSourceTopics: [TopicSpecification], repartitionSinkTopics: [String],
            changelogTopics: [TopicSpecification], copartitionGroups: [[String]]
        ) {
            self.id = id
            self.sourceTopics = sourceTopics
            self.repartitionSourceTopics = repartitionSourceTopics
            self.repartitionSinkTopics = repartitionSinkTopics
            self.changelogTopics = changelogTopics
            self.copartitionGroups = copartitionGroups
        }
    }

    /// The parts, in the order of their ids.
    public var subtopologies: [Subtopology]
    /// The same for all members that share a state directory, and after a restart: the group places standbys elsewhere, and tasks where their state is.
    public var processID: TopicID
    /// Where the app answers queries, as `host:port`; `nil` when nowhere.
    public var endpoint: String?
    /// What the user says of this instance, such as its rack, by name.
    public var tags: [String: String]

    /// A declaration of an app's parts.
    public init(subtopologies: [Subtopology], processID: TopicID, endpoint: String? = nil, tags: [String: String] = [:]) {
        self.subtopologies = subtopologies
        self.processID = processID
        self.endpoint = endpoint
        self.tags = tags
    }
}
