import MillraceCore
import MillracePlan

/// A finished program: what an app, or a test driver, runs. A value; the same topology may run many times.
///
/// Kafka: `Topology`.
public struct Topology: Sendable {
    package let plan: PhysicalTopology

    /// The nodes, stores and topics as text, in Kafka's form.
    public func describe() -> String {
        plan.describe()
    }

    /// The same as a picture in Graphviz's language: `dot -Tsvg`.
    public func graphviz() -> String {
        plan.graphviz()
    }
}
