import MillraceCore

/// In which order the results of asynchronous calls are sent on.
public enum AsyncOrder: Sendable {
    /// In that of the input: the result is what the same closure without waiting would give, in every run. A slow call holds back the results behind it.
    case input
    /// For each key in that of the input, across keys as calls are done. Quicker to see, but what depends on time behind it, such as windows, may find records late that were not.
    case perKey
}

/// Calls an asynchronous closure for each record, one at a time for each key, and sends the results on in order.
///
/// All but the closures happens on the task's thread. An answer comes by a mailbox and is looked at when the worker does; retries and time-outs are times at which it is to look.
final class AsyncMapNode<Key: Sendable, Value: Sendable, NewKey: Sendable, NewValue: Sendable>: AsyncStage {
    typealias Answer = Record<NewKey, NewValue>

    private struct Call {
        let record: Record<Key, Value>
        /// Calls of equal keys wait for each other; `nil` where there is no key, and no order.
        let key: [UInt8]?
        let origin: RecordOrigin
        let input: KeptRecord?
        /// How often it was made.
        var attempt = 0
        var cancel: (@Sendable () -> Void)?
        /// While at work: when it takes too long. Otherwise: when to make it again.
        var deadline: UInt64?
        var result: Result<Answer, any Error>?

        var isWorking: Bool { cancel != nil }
    }

    private let calling: AsyncCalling
    private let keySerde: Serde<Key>
    private let transform: @Sendable (Record<Key, Value>) async throws -> Answer
    private let output: Output<NewKey, NewValue>
    private let site: NodeSite
    private let signal: CallSignal
    private let mailbox: CallMailbox<Answer>
    private let keyBuffer = ByteBuffer()
    private var calls: [Int: Call] = [:]
    /// The number of the oldest record that may be here, and of the next to come.
    private var first = 0
    private var next = 0
    /// The calls of each key, the first of which is at work.
    private var queues: [[UInt8]: [Int]] = [:]
    /// Where results may be sent as they come: those that are there.
    private var done: [Int] = []
    /// Not later than any call's deadline.
    private(set) var nextDeadline: UInt64?
    private var workingCount = 0

    init(
        _ calling: AsyncCalling, key: Serde<Key>, _ assembly: NodeAssembly,
        _ transform: @escaping @Sendable (Record<Key, Value>) async throws -> Answer
    ) throws {
        guard let signal = assembly.task.callSignal else {
            throw MillraceError(.topology, "\(assembly.name) cannot make asynchronous calls in a global store.", node: assembly.name)
        }
        self.calling = calling
        keySerde = key
        self.transform = transform
        output = try assembly.output()
        site = assembly.site
        self.signal = signal
        mailbox = CallMailbox(signal)
        assembly.task.stages.append(self)
    }

    var pendingCount: Int { calls.count }
    var isFull: Bool { calls.count >= calling.limit }
    var isWorking: Bool { workingCount > 0 }

    func receive(_ record: Record<Key, Value>) throws {
        // The task takes no record when this is full; but one may become many on its way here.
        while isFull {
            if try !deliver() { try signal.wait(isWorking: isWorking, until: nextDeadline) }
        }
        keyBuffer.removeAll()
        let key = try keySerde.write(record.key, to: keyBuffer) ? Array(keyBuffer.bytes) : nil
        let task = site.task
        let input = try task.keepInput()
        let number = next
        next += 1
        calls[number] = Call(
            record: record, key: key,
            origin: RecordOrigin(
                timestamp: record.timestamp.milliseconds, offset: task.sourceOffset.value, topic: task.sourceTopic,
                partition: task.id.partition, headers: record.headers), input: input)
        if let key {
            queues[key, default: []].append(number)
            if queues[key]?.first == number { start(number) }
        } else {
            start(number)
        }
        if isFull { task.noteRoom() }
    }

    func deliver() throws -> Bool {
        for letter in mailbox.takeAll() {
            // An attempt that was given up may still answer.
            guard let call = calls[letter.call], call.isWorking, call.attempt == letter.attempt else { continue }
            finish(letter.call, letter.result)
        }
        if let nextDeadline, signal.now >= nextDeadline { lookAtDeadlines() }
        var hasDelivered = false
        while let number = takeNext() {
            hasDelivered = true
            try send(number)
        }
        return hasDelivered
    }

    func cancel() {
        for call in calls.values { call.cancel?() }
        calls = [:]
        queues = [:]
        done = []
    }

    private func start(_ number: Int) {
        guard let record = calls[number]?.record else { return }
        let attempt = (calls[number]?.attempt ?? 0) + 1
        let (transform, mailbox) = (transform, mailbox)
        let cancel = AsyncCall.start(on: signal.executor) {
            try await transform(record)
        } answer: { result in
            mailbox.put(CallMailbox.Letter(call: number, attempt: attempt, result: result))
        }
        calls[number]?.attempt = attempt
        calls[number]?.cancel = cancel
        setDeadline(number, after: calling.timeout)
        workingCount += 1
    }

    /// Notes what an attempt came to: the result of the call, or a reason to make it again.
    private func finish(_ number: Int, _ result: Result<Answer, any Error>) {
        guard let call = calls[number] else { return }
        workingCount -= 1
        calls[number]?.cancel = nil
        calls[number]?.deadline = nil
        if case .failure = result, let delay = calling.retry.delay(after: call.attempt) {
            return setDeadline(number, after: delay)
        }
        calls[number]?.result = result
        if calling.order == .perKey { done.append(number) }
        guard let key = call.key else { return }
        queues[key]?.removeFirst()
        if let next = queues[key]?.first { start(next) } else { queues[key] = nil }
    }

    /// - Parameter delay: In milliseconds; `nil` for never.
    private func setDeadline(_ number: Int, after delay: Int64?) {
        let deadline = delay.map { signal.now &+ UInt64(min($0, 1 << 40)) * 1_000_000 }
        calls[number]?.deadline = deadline
        if let deadline { nextDeadline = min(nextDeadline ?? .max, deadline) }
    }

    /// Gives up attempts that take too long, and makes those calls again that have waited long enough; the oldest first.
    private func lookAtDeadlines() {
        let now = signal.now
        nextDeadline = nil
        for number in calls.keys.sorted() {
            guard let call = calls[number], let deadline = call.deadline else { continue }
            guard deadline <= now else {
                nextDeadline = min(nextDeadline ?? .max, deadline)
                continue
            }
            if call.isWorking {
                call.cancel?()
                finish(number, .failure(tooSlow(call.attempt)))
            } else {
                calls[number]?.deadline = nil
                start(number)
            }
        }
    }

    /// The next call whose result may be sent.
    private func takeNext() -> Int? {
        if calling.order == .perKey { return done.isEmpty ? nil : done.removeFirst() }
        return calls[first]?.result == nil ? nil : first
    }

    /// Sends a result on as if its record was being processed, or has the failure policy decide.
    private func send(_ number: Int) throws {
        guard let call = calls.removeValue(forKey: number), let result = call.result else { return }
        while first < next, calls[first] == nil { first += 1 }
        let task = site.task
        if task.isFull { task.noteRoom() }
        try task.resuming(call.origin, call.input) {
            let record: Answer
            do { record = try result.get() } catch { throw site.failure(error) }
            try output.send(record)
        }
    }

    private func tooSlow(_ attempt: Int) -> MillraceError {
        MillraceError(
            .processing,
            "An asynchronous call took longer than \(calling.timeout ?? 0) ms in attempt \(attempt) of \(calling.retry.attempts + 1), and was cancelled. Give it more time (timeout:), or see why it hangs."
        )
    }
}

/// How asynchronous calls are made.
struct AsyncCalling: Sendable {
    /// How many records of a task may wait for their results.
    var limit: Int
    var order: AsyncOrder
    /// For one attempt, in milliseconds.
    var timeout: Int64?
    var retry: RetryPolicy
}
