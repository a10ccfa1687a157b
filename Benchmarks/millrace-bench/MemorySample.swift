import Foundation
import Millrace

/// What the process takes of the machine at a moment of a soak.
struct MemorySample {
    let seconds: Int
    /// Physical memory, in bytes.
    let resident: Int
    private let processed: Int
    private let memory: MemoryMetrics
    private let threads: Int
    private let files: Int

    init(of app: StreamsApp, seconds: Int) {
        self.seconds = seconds
        memory = app.metrics.memory
        resident = memory.processBytes ?? 0
        processed = app.processedRecords
        threads = MemorySample.entries(of: "/proc/self/task")
        files = MemorySample.entries(of: "/proc/self/fd")
    }

    /// -1 where there is no such directory.
    private static func entries(of directory: String) -> Int {
        do { return try FileManager.default.contentsOfDirectory(atPath: directory).count } catch { return -1 }
    }

    var json: String {
        func megabytes(_ bytes: Int) -> String { String(format: "%.1f", Double(bytes) / 1_048_576) }
        let database = memory.database
        return """
            {"s":\(seconds),"processed":\(processed),"rss_mb":\(megabytes(resident)),\
            "input_mb":\(megabytes(memory.inputBytes)),"output_mb":\(megabytes(memory.outputBytes)),"store_mb":\(megabytes(memory.storeBytes)),\
            "cache_mb":\(megabytes(Int(database.cacheBytes))),"write_buffer_mb":\(megabytes(Int(database.writeBufferBytes))),\
            "table_readers_mb":\(megabytes(Int(database.fileBytes))),"disk_mb":\(megabytes(Int(database.diskBytes))),\
            "threads":\(threads),"files":\(files)}
            """
    }
}
