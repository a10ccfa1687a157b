/// How an app's memory budget is divided.
struct MemoryShares {
    let budget: Int

    /// The database's cache and write buffers.
    var database: Int { budget / 4 }
    /// Records that wait to be processed.
    var input: Int { budget / 8 }
    /// Rows of stores, and outputs; commits come early when they take more.
    var work: Int { budget / 2 }
    /// What is read between two commits, since that may live on in rows.
    var read: Int { budget / 8 }
    /// Rows for the disk that are worth files of their own. Fewer are gathered in the database's write buffers.
    var leastSorted: Int { budget / 256 }
    /// Outputs alone. Where they can, those beyond leave memory ahead of the commit.
    var outputs: Int { budget / 8 }
    /// Rows that are being restored: taken from `work`, as a task that is restored has no rows in memory yet.
    var restoring: Int { budget / 4 }
}
