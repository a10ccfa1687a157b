import Glibc
import Millrace

/// Writes lines to a file that appears whole or not at all.
public enum OutputFile {
    public static func write(_ lines: [String], to path: String) throws {
        let temporary = path + ".part"
        guard let file = fopen(temporary, "w") else { throw failure(path) }
        var text = lines.joined(separator: "\n")
        if !lines.isEmpty { text += "\n" }
        let written = text.withUTF8 { fwrite($0.baseAddress, 1, $0.count, file) }
        let closed = fclose(file)
        guard written == text.utf8.count, closed == 0, rename(temporary, path) == 0 else {
            let error = failure(path)
            unlink(temporary)
            throw error
        }
    }

    private static func failure(_ path: String) -> MillraceError {
        MillraceError(.configuration, "The output file \(path) cannot be written: \(String(cString: strerror(errno))). Check --output.")
    }
}
