import MillraceCore
import MillracePlan
import Synchronization

extension KStream {
    /// Starts to divide the stream: each record goes to the first branch whose predicate holds.
    ///
    ///     let amounts = payments.split()
    ///     let large = amounts.branch { _, payment in payment.cents >= 50_000 }
    ///     let small = amounts.defaultBranch()
    ///
    /// A record that no branch takes is left out, unless there is a default branch. Kafka: `split`.
    public func split(named: String? = nil) -> BranchedKStream<Key, Value> {
        BranchedKStream(self, named: named)
    }
}

/// A stream that is being divided into branches. Kafka: `BranchedKStream`.
public final class BranchedKStream<Key, Value> {
    private let source: KStream<Key, Value>
    private let node: LogicalNode
    private let name: String
    private let branches = BranchList<Key, Value>()
    private var count = 0
    private var hasDefault = false

    init(_ source: KStream<Key, Value>, named: String?) {
        self.source = source
        name = source.builder.name(named, prefix: "KSTREAM-BRANCH-")
        let branches = self.branches
        node = source.builder.addProcessor(
            name, parents: [source.node],
            NodePayload { try $0.branch(branches.all.withLock { $0 }) })
    }

    /// The records that no earlier branch took and for which `predicate` holds.
    ///
    ///     split.branch(named: "-large") { _, payment in payment.cents >= 50_000 }
    ///
    /// - Parameter named: Appended to the name of the split, to name the branch's node; its number when absent.
    public func branch(
        named: String? = nil, _ predicate: @escaping @Sendable (Key, Value) throws -> Bool
    ) -> KStream<Key, Value> {
        count += 1
        return branch(named ?? "\(count)", predicate)
    }

    /// The records that no branch took. The last call on a split.
    public func defaultBranch(named: String? = nil) -> KStream<Key, Value> {
        defer { hasDefault = true }
        return branch(named ?? "0") { _, _ in true }
    }

    private func branch(_ suffix: String, _ predicate: @escaping @Sendable (Key, Value) throws -> Bool) -> KStream<Key, Value> {
        let builder = source.builder
        if hasDefault {
            builder.fail("\(name) has a default branch already, so no record would ever reach a further one. Make the default branch last.")
        }
        let child = name + suffix
        branches.all.withLock { $0.append(Branch(child: child, predicate: predicate)) }
        // Kafka Streams takes a number here and does not use it; the names of later nodes depend on it.
        _ = builder.name(nil, prefix: child)
        let childNode = builder.addProcessor(
            child, parents: [node], NodePayload { NodeInput(try $0.output(Key.self, Value.self)) })
        return KStream(
            builder: builder, node: childNode, name: child, key: source.keySerde, value: source.valueSerde, sources: source.sources,
            needsRepartition: source.needsRepartition)
    }
}

/// The branches of a split, which go on growing after its node was added.
private final class BranchList<Key, Value>: Sendable {
    let all = Mutex<[Branch<Key, Value>]>([])
}

private struct Branch<Key, Value>: Sendable {
    let child: String
    let predicate: @Sendable (Key, Value) throws -> Bool
}

extension NodeAssembly {
    /// Sends each record to the first branch that takes it.
    fileprivate func branch<Key, Value>(_ branches: [Branch<Key, Value>]) throws -> NodeInput {
        let ways = try branches.map { ($0.predicate, try output(toChild: $0.child) as Output<Key, Value>) }
        let site = self.site
        return NodeInput { (record: Record<Key, Value>) in
            for (predicate, output) in ways {
                let takes: Bool
                do { takes = try predicate(record.key, record.value) } catch { throw site.failure(error) }
                if takes { return try output.send(record) }
            }
        }
    }
}
