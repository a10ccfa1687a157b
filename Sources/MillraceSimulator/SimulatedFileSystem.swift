import MillraceCore
import MillraceFormats
import MillraceLog
import Synchronization

/// A disk in memory that loses what a real one may lose: for tests that crash a log at every single call.
///
/// It is as hard as POSIX allows. What was written is safe when its file was synced; that a file is there under its name, when its directory was. At a crash the rest has
/// one of three fates, see `Fate`.
///
///     let disk = SimulatedFileSystem()
///     disk.crash(atCall: 17)
///     // … run until it throws …
///     let log = try EmbeddedLog.open(at: "/log", options: EmbeddedLogOptions(fileSystem: disk.afterCrash(.lost)))
public final class SimulatedFileSystem: FileSystem, @unchecked Sendable {
    /// What becomes of what was not synced.
    public enum Fate: Sendable, CaseIterable {
        /// All of it is gone.
        case lost
        /// All of it reached the disk by itself.
        case kept
        /// Some sectors of the files reached the disk and others did not, and each directory is as it is or as it was synced.
        case torn
    }

    /// A file, which may have several names over time or none any more.
    final class Node: @unchecked Sendable {
        var content: [UInt8] = []
        var synced: [UInt8] = []
        var isLocked = false
    }

    private static let sector = 512
    private let lock = Mutex(())
    private var files: [String: Node] = [:]
    private var directories: Set<String> = ["/"]
    private var syncedFiles: [String: Node] = [:]
    private var syncedDirectories: Set<String> = ["/"]
    private var crashAt = Int.max
    private var failsNextSync = false
    private var forgetsSyncs: @Sendable (_ path: String) -> Bool = { _ in false }
    private var openLimit = Int.max
    private var openFiles = 0
    private var beforeSync: (@Sendable () -> Void)?
    private var capacityLeft = Int.max
    private let boot: Int
    private var random: UInt64

    /// How many calls were made that read or change the disk.
    public private(set) var calls = 0
    /// How many of them were syncs of a file.
    public private(set) var syncs = 0

    /// Stands for everything that was written, and where and in which order.
    public private(set) var digest: UInt64 = 0
    private var refusesToOpen = false
    private var refusesToRemove = false
    private var syncHasFailed = false
    private var beforeCall: (@Sendable () -> Void)?

    /// An empty disk; the seed decides what a torn crash leaves.
    public convenience init(seed: UInt64 = 1) {
        self.init(seed: seed, boot: 1)
    }

    private init(seed: UInt64, boot: Int) {
        random = seed
        self.boot = boot
    }

    /// The files of another disk, which is used no more, on a machine that has not started anew.
    private init(_ other: SimulatedFileSystem, boot: Int) {
        random = other.random
        self.boot = boot
        files = other.files
        directories = other.directories
        syncedFiles = other.syncedFiles
        syncedDirectories = other.syncedDirectories
    }

    // MARK: Faults

    /// Lets the call of this number fail, and all after it: the process is gone. A write that is hit may still be done in part.
    public func crash(atCall number: Int) {
        lock.withLock { _ in crashAt = number }
    }

    /// Lets the process be gone from now on.
    public func crash() {
        lock.withLock { _ in crashAt = min(crashAt, calls) }
    }

    /// Whether the process is gone.
    public var hasCrashed: Bool { lock.withLock { _ in calls >= crashAt } }

    /// Lets a new process go on with the disk after the old one was killed: nothing is lost, as the system is still there, but locks are free.
    public func restartProcess() {
        lock.withLock { _ in
            crashAt = .max
            failsNextSync = false
            for node in files.values { node.isLocked = false }
        }
    }

    /// Whether opening a file fails, as when a process has no file handles left.
    public func refuseToOpen(_ refuses: Bool) {
        lock.withLock { _ in refusesToOpen = refuses }
    }

    /// Whether removing and shortening files fails, as it may on a disk in trouble.
    public func refuseToRemove(_ refuses: Bool) {
        lock.withLock { _ in refusesToRemove = refuses }
    }

    /// Runs `body` before each call, for calls that take their time.
    public func beforeEachCall(_ body: @escaping @Sendable () -> Void) {
        lock.withLock { _ in beforeCall = body }
    }

    /// A call of something else on the same machine, which fails when the process is gone.
    public func touch() throws {
        try call {}
    }

    /// Whether a sync has failed since the machine started.
    public var hasFailedToSync: Bool { lock.withLock { _ in syncHasFailed } }

    /// Lets the next sync of a file fail once; what it should have brought to the disk is lost from the disk's promise.
    public func failNextSync() {
        lock.withLock { _ in failsNextSync = true }
    }

    /// How many more bytes fit; writing more fails as on a full disk.
    public func setSpace(_ bytes: Int) {
        lock.withLock { _ in capacityLeft = bytes }
    }

    /// Turns one bit of a byte of a file over, on the disk too.
    public func flipBit(_ bit: Int = 0, of path: String, at position: Int) {
        lock.withLock { _ in
            guard let node = files[path], position < node.content.count else { return }
            node.content[position] ^= 1 << UInt8(bit & 7)
            if position < node.synced.count { node.synced[position] ^= 1 << UInt8(bit & 7) }
        }
    }

    /// The paths of all files, sorted, and how long each is.
    public var contents: [(path: String, byteCount: Int)] {
        lock.withLock { _ in files.sorted { $0.key < $1.key }.map { ($0.key, $0.value.content.count) } }
    }

    /// From now on syncs of these files succeed and do nothing, as with a disk that lies or a log that forgets them: a test of crashes that does not notice is worth nothing.
    public func forgetSyncs(where isForgotten: @escaping @Sendable (_ path: String) -> Bool) {
        lock.withLock { _ in forgetsSyncs = isForgotten }
    }

    /// How many files may be open at once; opening more fails as it does for a process that has too many.
    public func setOpenFileLimit(_ limit: Int) {
        lock.withLock { _ in openLimit = limit }
    }

    /// Runs `body` at the start of each sync of a file, for a disk that is slow or waits for the test.
    public func beforeEachSync(_ body: (@Sendable () -> Void)?) {
        lock.withLock { _ in beforeSync = body }
    }

    /// The same disk, in a copy that goes its own way.
    public func copy() -> SimulatedFileSystem {
        let copy = afterCrash(.kept)
        return SimulatedFileSystem(copy, boot: boot)
    }

    /// The disk as it is found when the machine has started again; this one stays as it is.
    public func afterCrash(_ fate: Fate, seed: UInt64 = 1) -> SimulatedFileSystem {
        lock.withLock { _ in
            let next = SimulatedFileSystem(seed: seed, boot: boot + 1)
            next.digest = digest
            next.forgetsSyncs = forgetsSyncs
            var nodes: [ObjectIdentifier: Node] = [:]
            var keepsNames: [String: Bool] = [:]
            func namesAreKept(_ path: String) -> Bool {
                guard fate == .torn else { return fate == .kept }
                let directory = SimulatedFileSystem.parent(path)
                if let known = keepsNames[directory] { return known }
                let kept = next.coin()
                keepsNames[directory] = kept
                return kept
            }
            next.directories = syncedDirectories.union(directories.filter { namesAreKept($0) })
            next.directories.subtract(syncedDirectories.filter { !directories.contains($0) && namesAreKept($0) })
            next.directories = next.directories.filter { next.hasAllParents($0) }
            for path in Set(files.keys).union(syncedFiles.keys).sorted() {
                guard next.directories.contains(SimulatedFileSystem.parent(path)),
                    let node = namesAreKept(path) ? files[path] : syncedFiles[path]
                else { continue }
                let survivor = nodes[ObjectIdentifier(node)] ?? Node()
                if nodes.updateValue(survivor, forKey: ObjectIdentifier(node)) == nil {
                    survivor.content = next.content(of: node, fate)
                    survivor.synced = survivor.content
                }
                next.files[path] = survivor
            }
            next.syncedFiles = next.files
            next.syncedDirectories = next.directories
            return next
        }
    }

    private func content(of node: Node, _ fate: Fate) -> [UInt8] {
        switch fate {
        case .lost: return node.synced
        case .kept: return node.content
        case .torn:
            let length = coin() ? node.content.count : node.synced.count
            var content = Array(node.synced.prefix(length))
            content += [UInt8](repeating: 0, count: length - content.count)
            for start in stride(from: 0, to: min(length, node.content.count), by: SimulatedFileSystem.sector) where coin() {
                let end = min(start + SimulatedFileSystem.sector, length, node.content.count)
                content.replaceSubrange(start..<end, with: node.content[start..<end])
            }
            return content
        }
    }

    private func hasAllParents(_ path: String) -> Bool {
        path == "/" || directories.contains(SimulatedFileSystem.parent(path)) && hasAllParents(SimulatedFileSystem.parent(path))
    }

    private func coin() -> Bool {
        random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return random >> 62 & 1 == 1
    }

    /// Runs a call, unless the process is gone.
    fileprivate func call<Result>(_ body: () throws -> Result, dying: () -> Void = {}) throws -> Result {
        lock.withLock { _ in beforeCall }?()
        return try lock.withLock { _ in
            calls += 1
            guard calls <= crashAt else { throw MillraceError(.transport, "The simulated process has crashed.") }
            guard calls < crashAt else {
                dying()
                throw MillraceError(.transport, "The simulated process crashes at call \(calls).")
            }
            return try body()
        }
    }

    // MARK: FileSystem

    public func open(_ path: String, writable: Bool) throws -> any File {
        try call {
            guard openFiles < openLimit, !refusesToOpen else {
                throw MillraceError(.transport, "Cannot open \(path): too many simulated files are open.", isRetriable: true)
            }
            let node = try node(path, writable: writable)
            openFiles += 1
            return SimulatedFile(node, path, self)
        }
    }

    public func openLocked(_ path: String) throws -> (any File)? {
        try call {
            let node = try node(path, writable: true)
            if node.isLocked { return nil }
            node.isLocked = true
            openFiles += 1
            return SimulatedFile(node, path, self, isLock: true)
        }
    }

    private func node(_ path: String, writable: Bool) throws -> Node {
        if let node = files[path] { return node }
        guard writable, directories.contains(SimulatedFileSystem.parent(path)) else {
            throw MillraceError(.transport, "There is no simulated file \(path).")
        }
        let node = Node()
        files[path] = node
        note(path, 5)
        return node
    }

    public func exists(_ path: String) -> Bool {
        lock.withLock { _ in files[path] != nil || directories.contains(path) }
    }

    public func list(_ directory: String) throws -> [String] {
        try call {
            let inside = Inside(directory)
            return (Array(files.keys) + directories).filter(inside.holds).map(inside.name).sorted()
        }
    }

    public func makeDirectory(_ path: String) throws {
        try call { note(path, directories.insert(path).inserted ? 1 : 2) }
    }

    public func rename(_ source: String, to target: String) throws {
        try call {
            guard let node = files.removeValue(forKey: source) else {
                throw MillraceError(.transport, "There is no simulated file \(source).")
            }
            files[target] = node
            note(target, 3)
        }
    }

    public func remove(_ path: String) throws {
        try call {
            try checkRemoval(of: path)
            files[path] = nil
            note(path, 4)
        }
    }

    fileprivate func checkRemoval(of path: String) throws {
        if refusesToRemove { throw MillraceError(.transport, "The simulated disk removes nothing of \(path).", isRetriable: true) }
    }

    public func removeDirectory(_ path: String) throws {
        try call { _ = directories.remove(path) }
    }

    public func syncDirectory(_ path: String) throws {
        try call {
            guard path == "/" || directories.contains(path) else {
                throw MillraceError(.transport, "There is no simulated directory \(path).")
            }
            let inside = Inside(path)
            syncedFiles = syncedFiles.filter { !inside.holds($0.key) }.merging(files.filter { inside.holds($0.key) }) { $1 }
            syncedDirectories = syncedDirectories.filter { !inside.holds($0) }.union(directories.filter(inside.holds))
        }
    }

    public var bootIdentity: String? { "simulated \(boot)" }
    public var processID: Int { boot }

    private static func parent(_ path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")), slash != path.startIndex else { return "/" }
        return String(path[..<slash])
    }

    /// What lies right in a directory. Bytes are looked at, not characters: this is asked so often that it was a quarter of a simulation's time.
    private struct Inside {
        private let prefix: String

        init(_ directory: String) {
            prefix = directory == "/" ? directory : directory + "/"
        }

        func holds(_ path: String) -> Bool {
            guard path.utf8.count > prefix.utf8.count, path.hasPrefix(prefix) else { return false }
            var path = path
            return path.withUTF8 { bytes in
                var index = prefix.utf8.count
                while index < bytes.count {
                    if bytes[index] == UInt8(ascii: "/") { return false }
                    index += 1
                }
                return true
            }
        }

        func name(_ path: String) -> String { String(path.utf8.dropFirst(prefix.utf8.count)) ?? path }
    }

    private func note(_ path: String, _ action: UInt64) {
        var path = path
        path.withUTF8 { note(UnsafeRawBufferPointer($0), action) }
    }

    private func note(_ bytes: UnsafeRawBufferPointer, _ action: UInt64) {
        digest = (digest ^ (UInt64(CRC32C.checksum(bytes)) &+ action << 32)) &* 0x9E37_79B9_7F4A_7C15
        digest ^= digest >> 29
    }

    // MARK: For open files

    fileprivate func write(_ bytes: UnsafeRawBufferPointer, to node: Node, at offset: Int) throws {
        try call {
            let growth = max(0, offset + bytes.count - node.content.count)
            guard growth <= capacityLeft else { throw MillraceError(.transport, "The simulated disk is full.", isRetriable: true) }
            capacityLeft -= growth
            note(bytes, UInt64(offset))
            put(bytes, in: node, at: offset)
        } dying: {
            put(UnsafeRawBufferPointer(rebasing: bytes.prefix(bytes.count / 2)), in: node, at: offset)
        }
    }

    private func put(_ bytes: UnsafeRawBufferPointer, in node: Node, at offset: Int) {
        let end = offset + bytes.count
        if node.content.count < end { node.content += [UInt8](repeating: 0, count: end - node.content.count) }
        node.content.replaceSubrange(offset..<end, with: bytes)
    }

    fileprivate func sync(_ node: Node, _ path: String) throws {
        lock.withLock { _ in beforeSync }?()
        try call {
            syncs += 1
            if forgetsSyncs(path) { return }
            if failsNextSync {
                failsNextSync = false
                syncHasFailed = true
                throw MillraceError(.transport, "The simulated disk could not sync.")
            }
            node.synced = node.content
            note(UnsafeRawBufferPointer(start: nil, count: 0), 6)
        }
    }

    fileprivate func close(_ node: Node, isLock: Bool) {
        lock.withLock { _ in
            openFiles -= 1
            if isLock { node.isLocked = false }
        }
    }
}

/// An open file of a simulated disk.
final class SimulatedFile: File {
    private let node: SimulatedFileSystem.Node
    private let disk: SimulatedFileSystem
    private let path: String
    private let isLock: Bool

    init(_ node: SimulatedFileSystem.Node, _ path: String, _ disk: SimulatedFileSystem, isLock: Bool = false) {
        self.node = node
        self.path = path
        self.disk = disk
        self.isLock = isLock
    }

    deinit {
        disk.close(node, isLock: isLock)
    }

    func read(into target: UnsafeMutableRawBufferPointer, at offset: Int) throws -> Int {
        try disk.call {
            guard offset < node.content.count else { return 0 }
            let part = node.content[offset..<min(node.content.count, offset + target.count)]
            target.copyBytes(from: part)
            return part.count
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
        try disk.write(bytes, to: node, at: offset)
    }

    func truncate(to size: Int) throws {
        try disk.call {
            if size < node.content.count { try disk.checkRemoval(of: path) }
            node.content = Array(node.content.prefix(size)) + [UInt8](repeating: 0, count: max(0, size - node.content.count))
        }
    }

    func size() throws -> Int {
        try disk.call { node.content.count }
    }

    func sync() throws {
        try disk.sync(node, path)
    }
}
