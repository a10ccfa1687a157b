import MillraceCore
import MillraceFormats
import MillraceLog
import MillraceStreams
import Synchronization

/// What the threads of a life have come to.
private final class Outcome: Sendable {
    let isDone = Mutex(false)
    let isImported = Mutex(false)
}

/// One life of the process: it opens the log, imports what is still missing of the input, and runs the app.
final class SimulatedApp: Sendable {
    static let id = "app"
    private static let importer = "import"

    private let plan: SimulationPlan
    private let life: SimulationPlan.Life
    private let machine: SimulatedMachine
    private let inputs: [SimulatedInput]
    private let promises: Promises
    private let isOver = Mutex(false)
    /// What the log had lost when it was opened.
    let brokenPromises = Mutex<[String]>([])
    /// What was said, for reports.
    let journal = Mutex<[String]>([])

    init(
        _ plan: SimulationPlan, _ life: SimulationPlan.Life, _ inputs: [SimulatedInput], _ promises: Promises, on machine: SimulatedMachine
    ) {
        self.plan = plan
        self.life = life
        self.inputs = inputs
        self.promises = promises
        self.machine = machine
    }

    /// Lives until the end of it.
    ///
    /// - Returns: Whether the app has done all there was to do.
    func live() -> Bool {
        do {
            let log = try openLog()
            let broken = try promises.broken(in: log)
            brokenPromises.withLock { $0 = broken }
            try makeTopics(log)
            let transport = SimulatedTransport(log, on: machine, promises: promises, canary: plan.canary)
            let isDone = try run(transport)
            if !machine.disk.hasCrashed { try log.close() }
            return isDone
        } catch {
            note("\(error)")
            return false
        }
    }

    private func note(_ text: String) {
        journal.withLock { $0.append(text) }
    }

    private func openLog() throws -> EmbeddedLog {
        var options = EmbeddedLogOptions(durability: plan.durability, fileSystem: machine.disk, clock: machine.clock, housekeeping: nil)
        // The background work of the log is a thread of the simulation.
        if case .interval = plan.durability { options.durability = .system }
        let numbers = Mutex(SeededNumbers(plan.seed, stream: machine.clock.monotonicNanoseconds()))
        options.newTopicID = { numbers.withLock { TopicID(high: $0.next(), low: $0.next()) } }
        options.logger = logger
        return try EmbeddedLog.open(at: "/log", options: options)
    }

    private var logger: MillraceLogger {
        MillraceLogger(level: .info) { [self] level, message, values in
            note("\(level) \(message) " + values.map { "\($0.0)=\($0.1)" }.joined(separator: " "))
        }
    }

    private func makeTopics(_ log: EmbeddedLog) throws {
        for topic in (plan.workload.inputTopics + plan.workload.outputs.keys.sorted()) where try log.describeTopic(topic) == nil {
            try log.createTopic(TopicSpecification(topic, partitions: plan.partitions, settings: ["segment.bytes": "\(plan.segmentBytes)"]))
        }
    }

    private func configuration() -> StreamsConfiguration {
        var configuration = StreamsConfiguration(applicationID: Self.id)
        configuration.threads = life.threads
        configuration.commitInterval = plan.commitInterval
        configuration.memoryBudget = plan.memoryBudget
        configuration.failures = plan.workload.failures
        configuration.failures.restarts = RestartPolicy(attempts: life.restarts, backoff: .milliseconds(100))
        configuration.internalTopicSettings = ["segment.bytes": "\(plan.segmentBytes)"]
        configuration.logger = logger
        return configuration
    }

    private func run(_ transport: SimulatedTransport) throws -> Bool {
        var backend = StreamsBackend(transport: transport, clock: machine.clock) { [machine, logger] _, _, _ in
            if machine.database.isDamaged {
                logger.log(.warning, "The local state is damaged and is removed")
                machine.database.removeAll()
            }
            return machine.database.open(on: machine)
        }
        backend.threads = machine.threads
        let app = StreamsApp(try plan.workload.topology(machine.mood), on: backend, configuration: configuration())
        let outcome = Outcome()
        let workload = plan.workload
        start {
            do {
                try app.runInPlace()
                outcome.isDone.withLock { $0 = outcome.isImported.withLock { $0 } }
            } catch { self.note("the app failed: \(error)") }
            self.isOver.withLock { $0 = true }
        }
        start {
            do {
                try self.importInputs(transport)
                if workload.rest > .zero { self.sleep(workload.rest) }
                outcome.isImported.withLock { $0 = true }
                app.shutDownWhenIdle()
            } catch {
                self.note("importing failed: \(error)")
                app.shutDown()
            }
        }
        start { self.meetTroubles() }
        start { self.keepHouse(transport.log) }
        switch life.end {
        case .shutDown(let time):
            start {
                self.sleep(time)
                app.shutDown()
            }
        case .abandoned(let time):
            start {
                self.sleep(time)
                self.machine.disk.crash()
                app.shutDown()
            }
        default: break
        }
        machine.threads.waitForOthers()
        return outcome.isDone.withLock { $0 }
    }

    private func start(_ body: @escaping @Sendable () -> Void) {
        machine.threads.start(body)
    }

    private var hasEnded: Bool { isOver.withLock { $0 } || machine.disk.hasCrashed }

    private func sleep(_ time: Duration) {
        _ = machine.threads.wait(for: time) { self.hasEnded }
    }

    /// Appends the input that is not there yet, some records at a time, across topics in the order of time, together with how far it has come.
    private func importInputs(_ transport: SimulatedTransport) throws {
        let session = try transport.openSession(named: Self.importer, group: Self.importer)
        defer { session.close() }
        let place = TopicPartition(plan.workload.inputTopics[0], 0)
        var next = Int(try transport.committedOffsets(of: Self.importer, for: [place])[place]?.offset.value ?? 0)
        var random = SeededNumbers(plan.seed, stream: 11)
        var failures = 0
        while next < inputs.count, !hasEnded {
            let end = min(inputs.count, next + 1 + random.below(plan.importBatch))
            do {
                _ = try session.commit(try batches(inputs[next..<end]), offsets: [place: CommittedOffset(Offset(Int64(end)))])
                next = end
            } catch let error as MillraceError where error.isRetriable && failures < 100 {
                failures += 1
                sleep(.milliseconds(20))
            }
            if random.oneIn(3) { sleep(.milliseconds(Int64(random.below(15)))) }
        }
    }

    private func batches(_ inputs: ArraySlice<SimulatedInput>) throws -> [OutputBatches] {
        let parts = Dictionary(grouping: inputs) { TopicPartition($0.topic, $0.partition) }
        return try parts.sorted { $0.key < $1.key }.map { partition, inputs in
            let writer = RecordBatchWriter()
            for input in inputs {
                try input.key.withUnsafeBytes { key in
                    if let value = input.value {
                        try value.withUnsafeBytes { try writer.append(timestamp: Timestamp(milliseconds: input.time), key: key, value: $0) }
                    } else {
                        try writer.append(timestamp: Timestamp(milliseconds: input.time), key: key, value: nil)
                    }
                }
            }
            try writer.finish()
            return OutputBatches(partition: partition, bytes: writer.output, recordCount: inputs.count)
        }
    }

    private func meetTroubles() {
        for trouble in life.troubles {
            sleep(trouble.delay)
            if hasEnded { return }
            switch trouble.kind {
            case .diskFull(let bytes): machine.disk.setSpace(bytes)
            case .diskHasSpace: machine.disk.setSpace(.max)
            case .noFileHandles: machine.disk.refuseToOpen(true)
            case .fileHandles: machine.disk.refuseToOpen(false)
            case .syncFails: machine.disk.failNextSync()
            case .clock(let offset): machine.clock.setTimeOfDay(to: Workload.startOfTime + offset)
            case .databaseDamaged: machine.database.isDamaged = true
            case .flush: try? machine.database.flush()
            }
        }
    }

    /// What the log does in the background, but as often as makes it meet everything else.
    private func keepHouse(_ log: EmbeddedLog) {
        let housekeeping = Housekeeping(compactionMemory: 1 << 16)
        while !hasEnded {
            sleep(.milliseconds(30))
            if case .interval = plan.durability { log.syncInBackground() }
            log.keepHouse(housekeeping) { _ in !self.hasEnded }
        }
    }
}
