import CZlib
import Glibc
import Millrace

/// Where lines come from: a file, a gzip file (told by its first bytes), or standard input.
///
/// zlib's `gzread` reads all three; it hands plain bytes through as they are.
final class InputSource {
    let name: String
    /// Bytes of the file as it lies on disk; `nil` where that is not known.
    let size: Int64?
    private let file: gzFile
    /// Bytes of text handed out so far.
    private(set) var position: Int64 = 0

    /// - Throws: `MillraceError` of kind `configuration` that names the file.
    init(_ path: String) throws {
        name = path == "-" ? "standard input" : path
        let descriptor = path == "-" ? dup(0) : open(path, O_RDONLY)
        var status = stat()
        guard descriptor >= 0, fstat(descriptor, &status) == 0 else {
            throw MillraceError(.configuration, "The input \(name) cannot be opened: \(String(cString: strerror(errno))). Check --input.")
        }
        guard status.st_mode & S_IFMT != S_IFDIR else {
            close(descriptor)
            throw MillraceError(.configuration, "The input \(name) is a directory. Name a file with --input.")
        }
        guard let file = gzdopen(descriptor, "rb") else {
            close(descriptor)
            throw MillraceError(.configuration, "The input \(name) cannot be read.")
        }
        gzbuffer(file, 1 << 17)
        self.file = file
        size = status.st_mode & S_IFMT == S_IFREG ? Int64(status.st_size) : nil
    }

    deinit { gzclose(file) }

    /// The share of the file that was read, as far as that is known.
    var shareRead: Double? {
        guard let size, size > 0 else { return nil }
        return min(1, Double(gzoffset(file)) / Double(size))
    }

    /// Reads some more bytes; 0 at the end, which moves on when the file grows.
    ///
    /// - Throws: `MillraceError` of kind `corruption` for a gzip file that is broken or ends too early.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let count = gzread(file, buffer.baseAddress, UInt32(buffer.count))
        var code: Int32 = 0
        let message = gzerror(file, &code).map { String(cString: $0) } ?? ""
        // A file that ends too early still gives what was there; `gzread` says so only by the error that it leaves.
        guard count >= 0, code == Z_OK || code == Z_BUF_ERROR && count > 0 else {
            throw MillraceError(
                .corruption,
                "The input \(name) is broken behind byte \(position) of its text (\(message)). What came before is processed. Repair the file and start again: reading goes on there."
            )
        }
        if count == 0 { gzclearerr(file) }
        position += Int64(count)
        return Int(count)
    }
}
