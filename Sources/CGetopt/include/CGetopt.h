// glibc's getopt_long, which Swift's overlay of the C library leaves out, without its global variables.
#ifndef CGETOPT_H
#define CGETOPT_H

/// A long option; `takes_value` is 0 or 1.
struct getopt_option {
    const char *name;
    int takes_value;
};

/// The next option of a command line.
struct getopt_result {
    /// Index of the option; -1 at the end of the options, -2 for an unknown one, -3 for one whose value is missing.
    int option;
    /// Its value, or the offending argument.
    const char *value;
    /// Index in `argv` of the next argument.
    int next;
};

/// Starts over when `next` is 1. Options and other arguments may be mixed: `argv` is reordered, others last.
struct getopt_result getopt_next(int argc, char *const *argv, const struct getopt_option *options, int count, int next);

#endif
