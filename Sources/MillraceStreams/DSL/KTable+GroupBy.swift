import MillraceCore
import MillracePlan

extension KTable {
    /// Brings the rows together by another key, to be counted, reduced or aggregated.
    ///
    ///     let staff = employees.groupBy { _, employee in (employee.department, employee.salary) }
    ///     let payroll = staff.aggregate(0, in: "payroll", adding: { $2 + $1 }, subtracting: { $2 - $1 })
    ///
    /// When a row changes, its old value is taken out of its group and the new one is added to its own, which may be another one. A row for which the new key or value is
    /// `nil` belongs to no group. The rows go through a repartition topic, for each aggregation one of its own unless the grouping has a name. Kafka: `groupBy`.
    ///
    /// - Parameters:
    ///   - key: How group keys are written; the type's own serde when left out.
    ///   - value: How the grouped values are written; the type's own serde when left out.
    ///   - named: Names the node and the repartition topic, so that they do not depend on generated numbers.
    ///   - select: Gives the group and the value to bring there.
    @inlinable
    public func groupBy<GroupKey: Equatable & SendableMetatype, GroupValue>(
        key: Serde<GroupKey>? = nil, value: Serde<GroupValue>? = nil, named: String? = nil,
        _ select: @escaping @Sendable (Key, Value) throws -> (GroupKey?, GroupValue?)
    ) -> KGroupedTable<GroupKey, GroupValue> {
        let name = builder.name(named, prefix: "KTABLE-SELECT-")
        let payload = NodePayload { assembly in
            let node = try TableGroupingNode(ignoresThePast: !assembly.versionedInputs.isEmpty, assembly, select: select)
            return NodeInput { (record: Record<Key, Change<Value>>) in try node.receive(record) }
        }
        let node = builder.addProcessor(name, parents: [node], payload)
        _ = view.enableOldValues(force: true)
        return KGroupedTable(builder: builder, node: node, topicName: named, key: key, value: value)
    }
}
