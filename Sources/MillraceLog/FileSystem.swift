/// The one door through which the log reaches the disk, so that tests can put a simulated disk behind it that loses what was not synced, tears writes, or fills up.
///
/// All calls may block and may be made from any thread. Failures are `MillraceError`s of kind `transport` that name the file and the reason.
public protocol FileSystem: Sendable {
    /// Opens a file to read, and with `writable` also to write, in which case it is created when missing.
    func open(_ path: String, writable: Bool) throws -> any File
    /// Opens a file like a writable one and locks it until it is let go or the process ends; `nil` when someone else holds the lock.
    func openLocked(_ path: String) throws -> (any File)?
    /// Whether there is a file or directory of this name.
    func exists(_ path: String) -> Bool
    /// The names in a directory, in any order, without `.` and `..`.
    func list(_ directory: String) throws -> [String]
    /// Makes a directory; fine if it is there.
    func makeDirectory(_ path: String) throws
    /// Renames a file or directory; an existing file is replaced in one step.
    func rename(_ source: String, to target: String) throws
    /// Removes a file; fine if it is not there.
    func remove(_ path: String) throws
    /// Removes an empty directory; fine if it is not there.
    func removeDirectory(_ path: String) throws
    /// Makes creations, renames and removals in a directory survive a power failure.
    func syncDirectory(_ path: String) throws
    /// Identifies the run of the operating system: it changes when what was written but not synced may have been lost. `nil` when unknown.
    var bootIdentity: String? { get }
    /// The process, for messages.
    var processID: Int { get }
}

/// An open file, closed when it is let go. See `FileSystem`.
public protocol File: AnyObject, Sendable {
    /// Reads at a place into `target` until it is full or the file ends, and returns how many bytes were read.
    func read(into target: UnsafeMutableRawBufferPointer, at offset: Int) throws -> Int
    /// Writes all of `bytes` at a place, making the file longer as needed. When it throws, any part may have been written.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws
    /// Cuts the file off at this length.
    func truncate(to size: Int) throws
    /// The file's length in bytes.
    func size() throws -> Int
    /// Returns when all that was written is on the disk. Once it has thrown, nothing that was written since the last success may be counted on.
    func sync() throws
}

extension FileSystem {
    /// The whole content of a small file; `nil` when there is none.
    ///
    /// - Throws: `MillraceError` of kind `corruption` when the file is longer than `maximum`, and of kind `transport` when it cannot be read.
    func contents(of path: String, maximum: Int = 64 << 20) throws -> [UInt8]? {
        guard exists(path) else { return nil }
        let file = try open(path, writable: false)
        return try file.contents(path, maximum: maximum)
    }

    /// Replaces a file in one step: after a crash it holds the old content or the new.
    func replace(_ path: String, with text: String, in directory: String) throws {
        try put(path, text, syncs: true)
        try syncDirectory(directory)
    }

    /// Replaces a file in one step, as other processes see it. After a failure of power it may be missing, or hold anything.
    func replaceUnsynced(_ path: String, with text: String) throws {
        try put(path, text, syncs: false)
    }

    private func put(_ path: String, _ text: String, syncs: Bool) throws {
        let temporary = path + ".new"
        let file = try open(temporary, writable: true)
        try file.truncate(to: 0)
        try Array(text.utf8).withUnsafeBytes { try file.write($0, at: 0) }
        if syncs { try file.sync() }
        try rename(temporary, to: path)
    }
}
