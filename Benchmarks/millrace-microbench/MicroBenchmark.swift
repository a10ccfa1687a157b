import CCounters
import Foundation

/// A hot part by itself, run so often that what belongs to no operation does not show.
struct MicroBenchmark {
    let name: String
    /// How many operations a call of what `prepare` returns makes.
    let operations: Int
    /// Makes ready, and returns the work to be counted.
    let prepare: () throws -> () throws -> Void

    init(_ name: String, operations: Int, _ prepare: @escaping () throws -> () throws -> Void) {
        self.name = name
        self.operations = operations
        self.prepare = prepare
    }

    /// Runs the work once to warm up, and once while it is counted.
    ///
    /// - Returns: How many pieces of memory it asked for, in its own thread.
    func count() throws -> UInt64 {
        let work = try prepare()
        try work()
        let before = counters_allocations()
        counters_begin()
        try work()
        counters_end(name)
        return counters_allocations() - before
    }
}

/// Keeps the compiler from leaving out what nobody looks at.
@inline(never)
func consume<Value>(_ value: Value) {}
