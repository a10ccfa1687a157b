import Millrace

/// Operators that hold results back.
extension PoisonOperator {
    /// A table of the last values of windows, which are sent once they have closed, to a closure that fails.
    private static func closing(
        _ description: String, _ reduce: @escaping @Sendable (KGroupedStream<String, String>) -> KTable<Windowed<String>, String>
    ) -> PoisonOperator {
        PoisonOperator(description, isHeld: true) { builder, fuse in
            let stream: KStream<String, String> = builder.stream("in")
            reduce(stream.groupByKey()).toStream { window, _ in "\(window)" }.mapValues { try fuse.check($0 ?? "-") }.to("out")
        }
    }

    private static let size: Duration = .milliseconds(40)
    private static let sessionWindows = SessionWindows(gap: .milliseconds(12), grace: .milliseconds(20))

    static let held: [PoisonOperator] = [
        PoisonOperator("suppressed until windows close") { builder, fuse in
            let stream: KStream<String, String> = builder.stream("in")
            stream.groupByKey().windowedBy(.tumbling(size: size, grace: .milliseconds(10))).reduce { $0 + (try fuse.check($1)) }
                .suppress(.untilWindowCloses()).toStream { window, _ in "\(window)" }.to("out", value: Serde.string.optional)
        },
        PoisonOperator("suppressed until sessions close") { builder, fuse in
            let stream: KStream<String, String> = builder.stream("in")
            stream.groupByKey().windowedBy(sessionWindows).reduce { $0 + (try fuse.check($1)) }
                .suppress(.untilWindowCloses()).toStream { window, _ in "\(window)" }.to("out", value: Serde.string.optional)
        },
        PoisonOperator("suppressed for a time") { builder, fuse in
            let stream: KStream<String, String> = builder.stream("in")
            stream.groupByKey().reduce { $0.suffix(20) + (try fuse.check($1)) }.suppress(.untilTimeLimit(.milliseconds(30))).send()
        },
        PoisonOperator("behind what is suppressed for a time", isHeld: true) { builder, fuse in
            let stream: KStream<String, String> = builder.stream("in")
            stream.groupByKey().reduce { $1 }.suppress(.untilTimeLimit(.milliseconds(30))).mapValues { try fuse.check($0) }.send()
        },
        closing("behind suppressed windows") {
            $0.windowedBy(.tumbling(size: size, grace: .milliseconds(10))).reduce { $1 }.suppress(.untilWindowCloses())
        },
        closing("behind windows that close") {
            $0.windowedBy(.tumbling(size: size, grace: .milliseconds(10)), emit: .onWindowClose).reduce { $1 }
        },
        closing("behind sliding windows that close") {
            $0.windowedBy(SlidingWindows(difference: .milliseconds(20)), emit: .onWindowClose).reduce { $1 }
        },
        closing("behind sessions that close") { $0.windowedBy(sessionWindows, emit: .onWindowClose).reduce { $1 } },
        PoisonOperator("panes that are merged", isHeld: true) { builder, fuse in
            let stream: KStream<String, String> = builder.stream("in")
            stream.groupByKey().windowedBy(.hopping(size: size, advance: .milliseconds(1), grace: .milliseconds(30)), emit: .onWindowClose)
                .aggregate("", merging: { _, left, right in left + (try fuse.check(right)) }) { _, value, sum in sum + value }
                .toStream { window, _ in "\(window)" }.to("out", value: Serde.string.optional)
        },
        PoisonOperator("timers that are due", isHeld: true) { builder, fuse in
            let stream: KStream<String, String> = builder.stream("in")
            stream.process(bringing: [.timers("timers", key: .string)]) { try Reminding($0, Fuse(times: 0), due: fuse) }.to("out")
        },
        PoisonOperator("outer join of the same moment", topics: ["l", "r"], isHeld: true) { builder, fuse in
            let left: KStream<String, String> = builder.stream("l")
            left.outerJoin(builder.stream("r"), within: JoinWindows(difference: .zero)) { (left: String?, right: String?) in
                "\(try fuse.check(left ?? "-"))\(right ?? "-")"
            }.to("out")
        },
    ]
}
