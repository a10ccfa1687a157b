import CRdKafka
import MillraceCore

/// What librdkafka and brokers report, as errors with a message that says what to do.
enum KafkaFailure {
    /// - Parameters:
    ///   - code: librdkafka's or Kafka's number.
    ///   - what: What was being done, as the beginning of a sentence: `Reading orders-0`.
    ///   - detail: What librdkafka says of it beyond the code.
    static func error(_ code: rd_kafka_resp_err_t, _ what: String, detail: String? = nil, trouble: String? = nil) -> MillraceError {
        let name = String(cString: rd_kafka_err2name(code))
        let reason = detail ?? String(cString: rd_kafka_err2str(code))
        var message = "\(what) failed: \(reason) (\(name))."
        let isRefused =
            isConnection(code) && ["SASL authentication error", "SSL handshake failed"].contains { trouble?.contains($0) == true }
        if let remedy = isRefused ? remedy(RD_KAFKA_RESP_ERR__AUTHENTICATION) : remedy(code) { message += " " + remedy }
        if isRefused, trouble?.contains("SCRAM") == true, let flaw = scramFlaw { message += " " + flaw }
        if isConnection(code) || code == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, let trouble {
            message += " The last trouble with a connection: \(trouble)."
        }
        return MillraceError(kind(code), message, isRetriable: isPassing(code))
    }

    /// What is wrong with the SCRAM of the librdkafka that runs, if anything: until 2.6.1 it repeats its part of the nonce, which brokers from Kafka 3.8.1 on refuse (CVE-2024-56128).
    static let scramFlaw: String? =
        rd_kafka_version() >= 0x0206_0100
        ? nil
        : "It may not be the password: librdkafka \(String(cString: rd_kafka_version_str())) speaks SCRAM in a way that Kafka 3.8.1 and newer refuse. Install librdkafka 2.6.1 or newer, or use PLAIN over TLS, or certificates."

    static func isConnection(_ code: rd_kafka_resp_err_t) -> Bool {
        [
            RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, RD_KAFKA_RESP_ERR__TIMED_OUT,
            RD_KAFKA_RESP_ERR__RESOLVE, RD_KAFKA_RESP_ERR__AUTHENTICATION, RD_KAFKA_RESP_ERR__SSL, RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE,
        ].contains(code)
    }

    /// Whether the same call may succeed later.
    static func isPassing(_ code: rd_kafka_resp_err_t) -> Bool {
        if isConnection(code) { return ![RD_KAFKA_RESP_ERR__AUTHENTICATION, RD_KAFKA_RESP_ERR__SSL].contains(code) }
        return [
            // The cluster makes up its mind about who does what.
            RD_KAFKA_RESP_ERR__WAIT_COORD, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
            RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
            RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_NOT_CONTROLLER, RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE,
            RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH, RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH,
            RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_PREFERRED_LEADER_NOT_AVAILABLE,
            RD_KAFKA_RESP_ERR_TRANSACTION_COORDINATOR_FENCED,
            // It is slow, or too few of its brokers are there.
            RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
            RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND, RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT,
            RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED,
            RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,
            // What was to be sent was given up because of one of these.
            RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, RD_KAFKA_RESP_ERR__PURGE_QUEUE, RD_KAFKA_RESP_ERR__PURGE_INFLIGHT,
        ].contains(code)
    }

    /// Whether a group refuses a commit for its epoch alone. STALE_MEMBER_EPOCH is newer than librdkafka 2.0, which does not know it by name.
    static func isStaleEpoch(_ code: rd_kafka_resp_err_t) -> Bool {
        code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION || code.rawValue == 113
    }

    private static func kind(_ code: rd_kafka_resp_err_t) -> MillraceError.Kind {
        switch code {
        case let code where isStaleEpoch(code): .fenced
        case RD_KAFKA_RESP_ERR__FENCED, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH,
            RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID,
            RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
            .fenced
        case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, RD_KAFKA_RESP_ERR_INVALID_RECORD: .production
        case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, RD_KAFKA_RESP_ERR_INVALID_CONFIG, RD_KAFKA_RESP_ERR_INVALID_PARTITIONS,
            RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR, RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS, RD_KAFKA_RESP_ERR_POLICY_VIOLATION,
            RD_KAFKA_RESP_ERR__AUTHENTICATION, RD_KAFKA_RESP_ERR__SSL, RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED,
            RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
            RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
            RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
            .configuration
        default: .transport
        }
    }

    private static func remedy(_ code: rd_kafka_resp_err_t) -> String? {
        switch code {
        case RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, RD_KAFKA_RESP_ERR__TIMED_OUT, RD_KAFKA_RESP_ERR__RESOLVE,
            RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
            "Check that the brokers run and that the bootstrap servers and their advertised listeners can be reached from here."
        case RD_KAFKA_RESP_ERR__AUTHENTICATION, RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED,
            RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM, RD_KAFKA_RESP_ERR__SSL:
            "Check the security settings (security.protocol, sasl.*, ssl.*) in KafkaOptions.settings against those of the listener."
        case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
            "Allow the app's user to describe, read, write and, for the app's own topics, create it."
        case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
            "Allow the app's user to read the group that has the application id for its name."
        case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
            "Allow the app's user to write and describe transactional ids that begin with the application id."
        case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
            "Allow the app's user to create topics on the cluster, or create the app's internal topics beforehand."
        case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
            "Raise max.message.bytes of the topic (for the app's own topics: StreamsConfiguration.internalTopicSettings), or lower librdkafka's batch.size below it."
        case RD_KAFKA_RESP_ERR__FENCED, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
            "Another session has taken over its name, or the transaction stayed open for longer than the transaction timeout."
        case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
            "Check that the topic exists and was not deleted."
        case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION, RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
            "The broker is too old: Kafka 2.5 or newer is needed."
        case RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT:
            "The broker's transaction.max.timeout.ms is shorter: lower KafkaOptions.transactionTimeout."
        default: nil
        }
    }
}

/// An error that librdkafka handed out, which is freed with this.
struct LibraryError: ~Copyable {
    private let pointer: OpaquePointer

    /// `nil` when there was no error.
    init?(_ pointer: OpaquePointer?) {
        guard let pointer else { return nil }
        self.pointer = pointer
    }

    deinit { rd_kafka_error_destroy(pointer) }

    var code: rd_kafka_resp_err_t { rd_kafka_error_code(pointer) }
    var isFatal: Bool { rd_kafka_error_is_fatal(pointer) != 0 }
    var isRetriable: Bool { rd_kafka_error_is_retriable(pointer) != 0 }
    var requiresAbort: Bool { rd_kafka_error_txn_requires_abort(pointer) != 0 }
    var text: String { rd_kafka_error_string(pointer).map { String(cString: $0) } ?? "" }
}
