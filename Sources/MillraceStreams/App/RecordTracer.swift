import MillraceCore

/// What a tracing system is told of records: called when a task begins to process one, and when it is done with it.
///
///     configuration.tracer = RecordTracer { record in
///         guard let parent = record.traceparent else { return nil }
///         let span = tracing.start(parent, "\(record.topic)")
///         return RecordTracer.Span(traceparent: span.traceparent) { error in span.end(error) }
///     }
///
/// The headers `traceparent` and `tracestate` of W3C Trace Context travel with a record as all headers do, with or without a tracer. A tracer puts spans of its own in between: what is
/// written because of the record then carries the span's header instead of the one that came in.
///
/// It is called for each record, in the thread that processes it, so it should do little: look at the header, and refuse what is not sampled. The app's outputs then hold what the tracer
/// makes up, so an app that is to write the same bytes for the same input has none. Punctuations and global tables are not traced.
public struct RecordTracer: Sendable {
    /// A record that is about to be processed.
    public struct Record: Sendable {
        /// The task that processes it.
        public var task: TaskID
        /// Where it was read.
        public var topic: String
        /// Where in the topic, with `task.partition`.
        public var offset: Offset
        /// Its time.
        public var timestamp: Timestamp
        /// The text of its last `traceparent` header; `nil` without one. What it says has not been checked.
        public var traceparent: String?
        /// The text of its last `tracestate` header; `nil` without one.
        public var tracestate: String?
    }

    /// The processing of one record.
    public struct Span {
        /// What outputs carry as their `traceparent`; `nil` leaves the record's.
        public var traceparent: String?
        /// What outputs carry as their `tracestate`; `nil` leaves the record's.
        public var tracestate: String?
        /// Called once the record is processed, with the error if a closure or a serde failed. Its outputs are visible only after the commit that follows.
        public var end: (_ error: (any Error)?) -> Void

        /// A span that has begun.
        public init(traceparent: String? = nil, tracestate: String? = nil, end: @escaping (_ error: (any Error)?) -> Void) {
            self.traceparent = traceparent
            self.tracestate = tracestate
            self.end = end
        }
    }

    let begin: @Sendable (Record) -> Span?

    /// - Parameter begin: The span of a record; `nil` when it is not to be traced.
    public init(_ begin: @escaping @Sendable (Record) -> Span?) {
        self.begin = begin
    }
}
