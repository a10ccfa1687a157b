#ifndef C_KILL_AT_H
#define C_KILL_AT_H

/// Kills the process with SIGKILL at a call to the file system, as the variable MILLRACE_KILL says: "flush:17" is the 17th point of a flush. Each call has three points: before it,
/// after it, and in a write half of it done. Without the variable nothing happens.
///
/// The moments: "commit" (the log's journal), "roll" (a segment of the log that begins), "flush" and "compaction" (tables and manifest of RocksDB, by the thread that writes them) and
/// "restore" (tables that a restore hands over).
///
/// Must be called for the library to be linked.
void kill_at_begin(void);

#endif
