import MillraceCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The files of the operating system.
public struct POSIXFileSystem: FileSystem {
    /// Also lifts the limit on open files to what the system allows, as a log keeps many open.
    public init() {
        var limit = rlimit()
        guard getrlimit(POSIXFileSystem.openFiles, &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
        limit.rlim_cur = limit.rlim_max
        // If it is refused the old limit holds, and a file that cannot be opened says so.
        _ = setrlimit(POSIXFileSystem.openFiles, &limit)
    }

    public func open(_ path: String, writable: Bool) throws -> any File {
        try POSIXFile(path, flags: writable ? O_RDWR | O_CREAT : O_RDONLY)
    }

    public func openLocked(_ path: String) throws -> (any File)? {
        let file = try POSIXFile(path, flags: O_RDWR | O_CREAT)
        if flock(file.descriptor, LOCK_EX | LOCK_NB) == 0 { return file }
        if errno == EWOULDBLOCK { return nil }
        throw POSIXFileSystem.failure("lock", path)
    }

    public func exists(_ path: String) -> Bool {
        access(path, F_OK) == 0
    }

    public func list(_ directory: String) throws -> [String] {
        guard let stream = opendir(directory) else { throw POSIXFileSystem.failure("list", directory) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: pointer.pointee)) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    public func makeDirectory(_ path: String) throws {
        if mkdir(path, 0o777) != 0, errno != EEXIST { throw POSIXFileSystem.failure("make the directory", path) }
    }

    public func rename(_ source: String, to target: String) throws {
        if systemRename(source, target) != 0 { throw POSIXFileSystem.failure("rename to \(target) the file", source) }
    }

    public func remove(_ path: String) throws {
        if unlink(path) != 0, errno != ENOENT { throw POSIXFileSystem.failure("remove", path) }
    }

    public func removeDirectory(_ path: String) throws {
        if rmdir(path) != 0, errno != ENOENT { throw POSIXFileSystem.failure("remove the directory", path) }
    }

    public func syncDirectory(_ path: String) throws {
        let directory = try POSIXFile(path, flags: O_RDONLY | O_DIRECTORY)
        if fsync(directory.descriptor) != 0 { throw POSIXFileSystem.failure("sync the directory", path) }
    }

    public var bootIdentity: String? {
        guard let file = try? POSIXFile("/proc/sys/kernel/random/boot_id", flags: O_RDONLY) else { return nil }
        var bytes = [UInt8](repeating: 0, count: 36)
        let count = bytes.withUnsafeMutableBytes { pread(file.descriptor, $0.baseAddress, $0.count, 0) }
        return count == 36 ? String(decoding: bytes, as: UTF8.self) : nil
    }

    public var processID: Int { Int(getpid()) }

    #if canImport(Glibc)
        private static var openFiles: __rlimit_resource_t { __rlimit_resource_t(RLIMIT_NOFILE.rawValue) }
    #else
        private static var openFiles: Int32 { RLIMIT_NOFILE }
    #endif

    /// What went wrong according to `errno`, in words that say what to do where that is known.
    static func failure(_ action: String, _ path: String) -> MillraceError {
        let code = errno
        let advice =
            switch code {
            case ENOSPC, EDQUOT: " Make space on the disk; then it can go on."
            case EACCES, EPERM, EROFS: " Check who owns it and its permissions."
            case EMFILE, ENFILE: " Too many files are open: raise the limit (ulimit -n)."
            case EIO: " The disk reports a fault: check it before you trust its content."
            default: ""
            }
        return MillraceError(
            .transport, "Cannot \(action) \(path): \(String(cString: strerror(code))).\(advice)",
            isRetriable: code == ENOSPC || code == EDQUOT || code == EMFILE || code == ENFILE)
    }
}

/// `rename` of the C library, whose name the method above hides.
private func systemRename(_ source: String, _ target: String) -> Int32 {
    rename(source, target)
}

/// A file descriptor.
final class POSIXFile: File {
    let descriptor: Int32
    private let path: String

    init(_ path: String, flags: Int32) throws {
        self.path = path
        descriptor = open(path, flags | O_CLOEXEC, 0o666)
        if descriptor < 0 { throw POSIXFileSystem.failure("open", path) }
    }

    deinit {
        close(descriptor)
    }

    func read(into target: UnsafeMutableRawBufferPointer, at offset: Int) throws -> Int {
        var done = 0
        while done < target.count {
            let count = pread(descriptor, target.baseAddress.map { $0 + done }, target.count - done, off_t(offset + done))
            if count == 0 { break }
            if count < 0 {
                if errno == EINTR { continue }
                throw POSIXFileSystem.failure("read", path)
            }
            done += count
        }
        return done
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
        var done = 0
        while done < bytes.count {
            let count = pwrite(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(offset + done))
            if count < 0 {
                if errno == EINTR { continue }
                throw POSIXFileSystem.failure("write", path)
            }
            done += count
        }
    }

    func truncate(to size: Int) throws {
        if ftruncate(descriptor, off_t(size)) != 0 { throw POSIXFileSystem.failure("truncate", path) }
    }

    func size() throws -> Int {
        var information = stat()
        if fstat(descriptor, &information) != 0 { throw POSIXFileSystem.failure("measure", path) }
        return Int(information.st_size)
    }

    func sync() throws {
        #if canImport(Glibc)
            let result = fdatasync(descriptor)
        #else
            // fsync on Darwin leaves the data in the drive's cache.
            let result = fcntl(descriptor, F_FULLFSYNC)
        #endif
        if result == -1 { throw POSIXFileSystem.failure("sync", path) }
    }
}
