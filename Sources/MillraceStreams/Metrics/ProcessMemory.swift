#if canImport(Glibc)
    import Glibc
#endif

/// What the process takes of the machine's memory.
enum ProcessMemory {
    /// Physical memory, from `/proc/self/statm`; `nil` where there is no such file.
    static var residentBytes: Int? {
        #if canImport(Glibc)
            let file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
            guard file >= 0 else { return nil }
            defer { close(file) }
            var text = [UInt8](repeating: 0, count: 128)
            let count = read(file, &text, text.count)
            guard count > 0 else { return nil }
            let fields = text[..<count].split(separator: UInt8(ascii: " "))
            guard fields.count > 1, let pages = Int(String(decoding: fields[1], as: UTF8.self)) else { return nil }
            return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
        #else
            return nil
        #endif
    }
}
