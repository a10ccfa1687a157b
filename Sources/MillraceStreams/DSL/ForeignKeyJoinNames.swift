import MillracePlan

/// The names of the nodes, topics and the store of a foreign-key join, taken in the order in which Kafka Streams takes its numbers.
@usableFromInline
struct ForeignKeyJoinNames: Sendable {
    /// The topic in which rows of the left table say which foreign key they point at.
    @usableFromInline let subscriptionTopic: String
    @usableFromInline let subscriptionSend: String
    @usableFromInline let subscriptionSink: String
    @usableFromInline let subscriptionSource: String
    @usableFromInline let subscriptionStore: String
    /// Keeps subscriptions.
    @usableFromInline let subscriptionReceive: String
    /// Answers a new subscription.
    @usableFromInline let subscriptionJoin: String
    /// Answers all subscriptions of a row of the right table that changed.
    @usableFromInline let foreignJoin: String
    /// The topic of the answers.
    @usableFromInline let responseTopic: String
    @usableFromInline let responseSink: String
    @usableFromInline let responseSource: String
    /// Joins answers with the row that they were asked for.
    @usableFromInline let resolver: String
    @usableFromInline let result: String

    @usableFromInline
    init(_ named: String?, _ graph: LogicalGraph) {
        func name(_ suffix: String, _ prefix: String) -> String { named.map { $0 + suffix } ?? graph.newProcessorName(prefix) }
        subscriptionTopic = name("-subscription-registration", "KTABLE-FK-JOIN-SUBSCRIPTION-REGISTRATION-") + "-topic"
        subscriptionSend = name("-subscription-registration-processor", "KTABLE-FK-JOIN-SUBSCRIPTION-REGISTRATION-")
        subscriptionSink = name("-subscription-registration-sink", "KTABLE-SINK-")
        subscriptionSource = name("-subscription-registration-source", "KTABLE-SOURCE-")
        subscriptionStore = name("-subscription-store", "KTABLE-FK-JOIN-SUBSCRIPTION-STATE-STORE-")
        subscriptionReceive = name("-subscription-receive", "KTABLE-FK-JOIN-SUBSCRIPTION-PROCESSOR-")
        subscriptionJoin = name("-subscription-join-foreign", "KTABLE-FK-JOIN-SUBSCRIPTION-PROCESSOR-")
        foreignJoin = name("-foreign-join-subscription", "KTABLE-FK-JOIN-SUBSCRIPTION-PROCESSOR-")
        responseTopic = name("-subscription-response", "KTABLE-FK-JOIN-SUBSCRIPTION-RESPONSE-") + "-topic"
        responseSink = name("-subscription-response-sink", "KTABLE-SINK-")
        responseSource = name("-subscription-response-source", "KTABLE-SOURCE-")
        resolver = name("-subscription-response-resolver", "KTABLE-FK-JOIN-SUBSCRIPTION-RESPONSE-RESOLVER-PROCESSOR-")
        result = name("-result", "KTABLE-FK-JOIN-OUTPUT-")
    }
}
