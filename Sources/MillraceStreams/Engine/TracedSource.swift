import MillraceCore
import MillraceFormats

extension TaskSource {
    /// The same source with a tracer around each record.
    func traced(by tracer: RecordTracer, topic: String, in context: TaskContext) -> TaskSource {
        let headerBytes = ByteBuffer()
        let receive = receive
        return TaskSource(extractTimestamp: extractTimestamp) { raw, timestamp in
            let headers = try raw.headers.decoded()
            let span = tracer.begin(
                RecordTracer.Record(
                    task: context.id, topic: topic, offset: raw.offset, timestamp: timestamp,
                    traceparent: headers.text(named: "traceparent"),
                    tracestate: headers.text(named: "tracestate")))
            guard let span else { return try receive(raw, timestamp) }
            do {
                try receive(raw.carrying(headers.with(span), headerBytes), timestamp)
            } catch {
                span.end(error)
                throw error
            }
            span.end(nil)
        }
    }
}

extension Headers {
    /// The value of the last header of this name as text; `nil` without one, or when it is not text.
    fileprivate func text(named name: String) -> String? {
        last(named: name)?.value.flatMap { String(validating: $0, as: UTF8.self) }
    }

    fileprivate func with(_ span: RecordTracer.Span) -> Headers? {
        guard span.traceparent != nil || span.tracestate != nil else { return nil }
        var headers = self
        for (name, text) in [("traceparent", span.traceparent), ("tracestate", span.tracestate)] {
            guard let text else { continue }
            headers.removeAll { $0.name == name }
            headers.append(Header(name, text: text))
        }
        return headers
    }
}

extension RawRecord {
    /// The record with other headers, whose bytes are kept in `buffer` until the next call; the same record for `nil`.
    fileprivate func carrying(_ headers: Headers?, _ buffer: ByteBuffer) -> RawRecord {
        guard let headers else { return self }
        var record = self
        record.headers = RawHeaders(headers, writtenTo: buffer)
        return record
    }
}
