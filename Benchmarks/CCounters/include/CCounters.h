/* Counts what a stretch of code takes: exactly, and the same each time. */
#ifndef CCOUNTERS_H
#define CCOUNTERS_H

#include <stdint.h>

/* How many pieces of memory the calling thread has asked for so far; 0 where the C library cannot be counted in (it must be glibc). */
uint64_t counters_allocations(void);

/* Begins to count instructions, in a process that runs under callgrind; does nothing elsewhere. */
void counters_begin(void);

/* Ends that, and lets callgrind write what it has counted under this name. */
void counters_end(const char *name);

/* Whether the process runs under callgrind or another tool of valgrind. */
int counters_count_instructions(void);

#endif
