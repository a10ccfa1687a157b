import MillracePlan

/// The names of the nodes, topics and the store of a foreign-key join, taken in the order in which Kafka Streams takes its numbers.
struct ForeignKeyJoinNames {
    /// The topic in which rows of the left table say which foreign key they point at.
    let subscriptionTopic: String
    let subscriptionSend: String
    let subscriptionSink: String
    let subscriptionSource: String
    let subscriptionStore: String
    /// Keeps subscriptions.
    let subscriptionReceive: String
    /// Answers a new subscription.
    let subscriptionJoin: String
    /// Answers all subscriptions of a row of the right table that changed.
    let foreignJoin: String
    /// The topic of the answers.
    let responseTopic: String
    let responseSink: String
    let responseSource: String
    /// Joins answers with the row that they were asked for.
    let resolver: String
    let result: String

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
