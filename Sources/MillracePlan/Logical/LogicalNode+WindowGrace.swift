extension LogicalNode {
    /// How long after their end the windows of this node's output can still change: the longest of the windowed aggregations it comes from.
    ///
    /// `nil` when some of it comes from elsewhere, so that nobody knows. Kafka: `GraphGraceSearchUtil`.
    public func inheritedWindowGrace() -> Int64? {
        var known: [ObjectIdentifier: Int64?] = [:]
        func search(_ node: LogicalNode) -> Int64? {
            if let grace = node.windowGrace { return grace }
            if let grace = known[ObjectIdentifier(node)] { return grace }
            var longest: Int64?
            for parent in node.parents {
                guard let grace = search(parent) else {
                    longest = nil
                    break
                }
                longest = max(longest ?? grace, grace)
            }
            known.updateValue(longest, forKey: ObjectIdentifier(node))
            return longest
        }
        return search(self)
    }
}
