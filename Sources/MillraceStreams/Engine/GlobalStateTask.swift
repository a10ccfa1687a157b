import MillraceCore
import MillraceFormats
import MillracePlan

/// Fills the global stores of an app from whole topics, all partitions, on every instance.
package final class GlobalStateTask {
    package let context: TaskContext
    /// The global stores by name.
    package var stores: [String: any StateStore] { context.stores }
    private var sources: [String: TaskSource] = [:]
    /// What was read since somebody asked the last time.
    private var amounts: [String: TaskMetrics.Amount] = [:]

    package init(_ globalStores: [GlobalStore], context: TaskContext) throws {
        self.context = context
        for global in globalStores {
            guard let store = global.store.payload as? StorePayload, let source = global.source.payload as? SourcePayload,
                let processor = global.processor.payload as? NodePayload
            else {
                throw MillraceError(.topology, "Global store \(global.store.name) was not made by a StreamsBuilder and cannot be run.")
            }
            context.stores[global.store.name] = try store.make(StoreSite(name: global.store.name, task: context, backing: nil))
            let input = try processor.assemble(
                NodeAssembly(name: global.processor.name, task: context, passesNullKeys: false, versionedInputs: [], children: []))
            sources[global.topic] = try source.assemble(
                NodeAssembly(
                    name: global.source.name, task: context, passesNullKeys: false, versionedInputs: [],
                    children: [(global.processor.name, input)]))
        }
    }

    package var topics: [String] { sources.keys.sorted() }

    /// Lets go of what would go to a changelog: the topic itself is one.
    package func forgetChanges() throws {
        for store in stores.values { try store.commit(to: { _, _, _, _ in }, batch: nil) }
    }

    /// What was read of each topic since the last call.
    func takeReadAmounts() -> [String: TaskMetrics.Amount] {
        defer { amounts = [:] }
        return amounts
    }

    /// Takes records of one of the topics into its store.
    package func apply(_ fetched: FetchedBatches) throws {
        guard let source = sources[fetched.partition.topic] else { return }
        let scratch = ByteBuffer()
        var amount = amounts[fetched.partition.topic] ?? TaskMetrics.Amount()
        amount.bytes += fetched.bytes.count
        defer { amounts[fetched.partition.topic] = amount }
        var batches = RecordBatchCursor(fetched.bytes)
        while let batch = try batches.next() {
            if batch.isControl { continue }
            var records = try batch.records(decompressingInto: scratch)
            while let record = try records.next() {
                amount.records += 1
                context.sourceTopic = fetched.partition.topic
                context.sourceOffset = record.offset
                do { try source.receive(record, record.timestamp) } catch {
                    try DeadLetters(context: context).handle(error, for: .raw(record), from: fetched.partition.topic)
                }
            }
        }
    }
}
