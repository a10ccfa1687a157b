#define _GNU_SOURCE
#include "CKillAt.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <unistd.h>

// The functions below take the place of the C library's, for this program and all libraries that it is linked to.

static char moment[16];
static atomic_long points_left = -1;

void kill_at_begin(void) {
    const char *wanted = getenv("MILLRACE_KILL");
    const char *colon = wanted ? strchr(wanted, ':') : NULL;
    if (!colon || (size_t)(colon - wanted) >= sizeof moment) return;
    memcpy(moment, wanted, (size_t)(colon - wanted));
    atomic_store(&points_left, atol(colon + 1));
}

static void end(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

static int is(const char *name) { return strcmp(moment, name) == 0; }

static int ends_with(const char *text, const char *end) {
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

// Whether a call about a file belongs to the moment.
static int concerns(const char *path, int creates) {
    if (is("commit")) return strstr(path, "/millrace.journal") != NULL;
    if (is("roll")) return creates && strstr(path, "/log/") && !strstr(path, "/00000000000000000000.") && (ends_with(path, ".log") || ends_with(path, "index"));
    if (is("restore")) return strstr(path, "/bulk-load-") != NULL;
    if (!ends_with(path, ".sst") && !strstr(path, "/MANIFEST-")) return 0;
    char thread[16] = "";
    prctl(PR_GET_NAME, thread);
    if (is("flush")) return strncmp(thread, "rocksdb:high", 12) == 0;
    if (is("compaction")) return strncmp(thread, "rocksdb:low", 11) == 0;
    return 0;
}

static int fd_concerns(int fd) {
    if (atomic_load(&points_left) <= 0) return 0;
    char link[40], path[512];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return concerns(path, 0);
}

static int path_concerns(const char *path, int creates) {
    return atomic_load(&points_left) > 0 && concerns(path, creates);
}

// A point has come.
static int is_last(void) { return atomic_fetch_sub(&points_left, 1) == 1; }
static void point(void) {
    if (is_last()) end();
}

#define REAL(name) \
    static __typeof__(name) *real; \
    if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

ssize_t write(int fd, const void *bytes, size_t count) {
    REAL(write);
    if (!fd_concerns(fd)) return real(fd, bytes, count);
    point();
    if (is_last()) {
        (void)!real(fd, bytes, count / 2);
        end();
    }
    ssize_t result = real(fd, bytes, count);
    point();
    return result;
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
    REAL(pwrite);
    if (!fd_concerns(fd)) return real(fd, bytes, count, offset);
    point();
    if (is_last()) {
        (void)!real(fd, bytes, count / 2, offset);
        end();
    }
    ssize_t result = real(fd, bytes, count, offset);
    point();
    return result;
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) { return pwrite(fd, bytes, count, offset); }

#define SYNC(name) \
    int name(int fd) { \
        REAL(name); \
        if (!fd_concerns(fd)) return real(fd); \
        point(); \
        int result = real(fd); \
        point(); \
        return result; \
    }
SYNC(fsync)
SYNC(fdatasync)

int rename(const char *from, const char *to) {
    REAL(rename);
    if (!path_concerns(to, 1)) return real(from, to);
    point();
    int result = real(from, to);
    point();
    return result;
}

int unlink(const char *path) {
    REAL(unlink);
    if (!path_concerns(path, 0)) return real(path);
    point();
    int result = real(path);
    point();
    return result;
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(name); \
        mode_t mode = 0; \
        if (flags & (O_CREAT | O_TMPFILE)) { \
            va_list rest; \
            va_start(rest, flags); \
            mode = va_arg(rest, mode_t); \
            va_end(rest); \
        } \
        if (!(flags & O_CREAT) || !path_concerns(path, 1)) return real(path, flags, mode); \
        point(); \
        int result = real(path, flags, mode); \
        point(); \
        return result; \
    }
OPEN(open)
OPEN(open64)
