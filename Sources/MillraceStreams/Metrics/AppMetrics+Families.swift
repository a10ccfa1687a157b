import MillraceCore

extension AppMetrics {
    /// The same numbers with the names that `docs/metrics.md` lists: for Prometheus (`families.prometheusText`), or any other system.
    ///
    /// Every value has the label `application`. Metrics without a value are there, without samples.
    public var families: [MetricFamily] {
        (appFamilies + workerFamilies + taskFamilies + latencyFamilies + topicFamilies + storeFamilies + memoryFamilies).map { family in
            var family = family
            for place in family.samples.indices { family.samples[place].labels.insert(.init("application", applicationID), at: 0) }
            return family
        }
    }

    private var appFamilies: [MetricFamily] {
        [
            MetricFamily(
                "millrace.app.state", .gauge, "1 for the state that the app is in, 0 for the others.",
                AppState.allCases.map { MetricSample([.init("state", $0.rawValue)], $0 == state ? 1 : 0) }),
            MetricFamily(
                "millrace.app.restarts", .counter, "How often the app failed and went on from its last commit.",
                [MetricSample([], restarts)]),
            MetricFamily("millrace.workers", .gauge, "Threads that are to process records.", [MetricSample([], threads)]),
            MetricFamily(
                "millrace.workers.alive", .gauge, "Threads that process records and run.", [MetricSample([], workers.count { $0.isAlive })]),
        ]
    }

    private var workerFamilies: [MetricFamily] {
        [
            MetricFamily(
                "millrace.poll.duration.seconds", .histogram, "What calls for records took, waiting included.",
                workers.map { MetricSample([.init("worker", "\($0.number)")], .histogram($0.polls)) }),
            MetricFamily(
                "millrace.commit.duration.seconds", .histogram, "What commits took.",
                workers.map { MetricSample([.init("worker", "\($0.number)")], .histogram($0.commits)) }),
        ]
    }

    private var taskFamilies: [MetricFamily] {
        [
            counter("millrace.records.read", "Records processed.", "topic") { $0.read.mapValues(\.records) },
            counter("millrace.bytes.read", "Bytes of the record batches read, compressed as they may be.", "topic") {
                $0.read.mapValues(\.bytes)
            },
            counter("millrace.records.written", "Records written, those of changelogs and internal topics too.", "topic", \.written),
            counter("millrace.records.dropped", "Records left out.", "reason") { task in
                Dictionary(uniqueKeysWithValues: task.dropped.map { ($0.key.rawValue, $0.value) })
            },
            counter("millrace.records.deadlettered", "Records sent to a dead-letter topic.", "topic", \.deadLettered),
            MetricFamily(
                "millrace.process.duration.seconds", .summary, "Records processed, and the time it took.",
                tasks.filter { $0.processed > 0 }.map {
                    MetricSample([label($0)], .summary(count: $0.processed, sum: $0.processingTime.inSeconds))
                }),
            counter("millrace.punctuations", "Punctuations, by the time that they follow.", "time") { task in
                ["stream": task.streamTimePunctuations, "wall-clock": task.wallClockPunctuations].filter { $0.value > 0 }
            },
            MetricFamily(
                "millrace.punctuate.duration.seconds", .summary, "Punctuations by the time of day, and the time they took.",
                tasks.filter { $0.wallClockPunctuations > 0 }.map {
                    MetricSample([label($0)], .summary(count: $0.wallClockPunctuations, sum: $0.punctuationTime.inSeconds))
                }),
        ]
    }

    private var latencyFamilies: [MetricFamily] {
        let tasks = tasks.filter { $0.latency.records > 0 }
        return [
            MetricFamily(
                "millrace.record.lateness.seconds", .histogram, "How far records were behind stream time when they were processed.",
                tasks.map { MetricSample([label($0)], .histogram($0.lateness)) }),
            MetricFamily(
                "millrace.latency.seconds", .summary, "From the timestamps of records to the commit of their results.",
                tasks.map { MetricSample([label($0)], .summary(count: $0.latency.records, sum: $0.latency.milliseconds / 1000)) }),
            MetricFamily(
                "millrace.latency.max.seconds", .gauge, "The highest such latency of the past 30 to 60 seconds.",
                tasks.map { MetricSample([label($0)], .number($0.highestLatency.inSeconds)) }),
        ]
    }

    private var topicFamilies: [MetricFamily] {
        func labels(_ partition: TopicPartition) -> [MetricSample.Label] {
            [.init("topic", partition.topic), .init("partition", "\(partition.partition)")]
        }
        return [
            MetricFamily(
                "millrace.consumer.lag", .gauge,
                "Offsets between what is committed and the end of the partition; missing while that is not known.",
                inputs.compactMap { input in input.lag.map { MetricSample(labels(input.partition), $0) } }),
            MetricFamily(
                "millrace.consumer.offset", .gauge, "The committed offset.",
                inputs.map { MetricSample(labels($0.partition), $0.committed.value) }),
        ]
    }

    private var storeFamilies: [MetricFamily] {
        func labels(_ task: TaskID, _ store: String) -> [MetricSample.Label] { [.init("task", task.label), .init("store", store)] }
        return [
            MetricFamily(
                "millrace.store.memory.bytes", .gauge, "Memory that rows of the store take.",
                stores.map { MetricSample(labels($0.task, $0.store), $0.memoryBytes) }),
            MetricFamily(
                "millrace.store.disk.bytes", .gauge, "Roughly what the store takes on disk.",
                stores.map { MetricSample(labels($0.task, $0.store), $0.diskBytes) }),
            MetricFamily(
                "millrace.store.rows", .gauge, "A guess at the rows of the store, from its share of the database.",
                stores.compactMap { store in store.rows.map { MetricSample(labels(store.task, store.store), $0) } }),
            MetricFamily(
                "millrace.restore.records", .counter, "Records taken from the store's changelog.",
                restores.map { MetricSample(labels($0.task, $0.store), $0.restored) }),
            MetricFamily(
                "millrace.restore.remaining", .gauge, "Records still to be taken from the store's changelog.",
                restores.map { MetricSample(labels($0.task, $0.store), max(0, $0.total - $0.restored)) }),
            MetricFamily(
                "millrace.restore.duration.seconds", .gauge, "Since the start of restoring the store, until its end.",
                restores.map { MetricSample(labels($0.task, $0.store), .number($0.elapsed.inSeconds)) }),
        ]
    }

    private var memoryFamilies: [MetricFamily] {
        let database = memory.database
        return [
            MetricFamily(
                "millrace.memory.budget.bytes", .gauge, "What the app may take for records that wait, outputs and rows.",
                [MetricSample([], memory.budget)]),
            MetricFamily(
                "millrace.memory.used.bytes", .gauge, "What it took of its budget when the last commit began.",
                [
                    MetricSample([.init("of", "input")], memory.inputBytes), MetricSample([.init("of", "outputs")], memory.outputBytes),
                    MetricSample([.init("of", "stores")], memory.storeBytes),
                ]),
            MetricFamily(
                "millrace.database.memory.bytes", .gauge, "Memory that the database under the stores takes.",
                [
                    MetricSample([.init("of", "cache")], database.cacheBytes),
                    MetricSample([.init("of", "write-buffers")], database.writeBufferBytes),
                    MetricSample([.init("of", "files")], database.fileBytes),
                ]),
            MetricFamily(
                "millrace.database.disk.bytes", .gauge, "What the files of the database take.", [MetricSample([], database.diskBytes)]),
            MetricFamily(
                "millrace.process.memory.bytes", .gauge, "Physical memory of the whole process.",
                memory.processBytes.map { [MetricSample([], $0)] } ?? []),
        ]
    }

    /// A counter of each task, split by one more label.
    private func counter(
        _ name: String, _ help: String, _ split: String, _ values: (TaskMetrics) -> [String: Int]
    ) -> MetricFamily {
        MetricFamily(
            name, .counter, help,
            tasks.flatMap { task in
                values(task).sorted { $0.key < $1.key }.map { MetricSample([label(task), .init(split, $0.key)], $0.value) }
            })
    }

    private func label(_ task: TaskMetrics) -> MetricSample.Label { .init("task", task.id.label) }
}

extension TaskID {
    /// `0_1`, or `global` for what fills the global stores.
    fileprivate var label: String { subtopology < 0 ? "global" : "\(self)" }
}

extension Duration {
    /// In seconds, for metrics.
    var inSeconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) / 1e18
    }
}
