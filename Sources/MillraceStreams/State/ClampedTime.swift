extension Int64 {
    /// The sum, held at the ends of the range: times far in the future, such as the end of an unlimited window, stay the last one there is.
    @inlinable
    func addingClamped(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }
}
