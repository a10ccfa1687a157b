#include "CGetopt.h"

#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>

struct getopt_result getopt_next(int argc, char *const *argv, const struct getopt_option *options, int count, int next) {
    struct getopt_result result = {-1, NULL, next};
    struct option *table = calloc((size_t)count + 1, sizeof *table);
    if (table == NULL) return result;
    for (int i = 0; i < count; i++) {
        table[i].name = options[i].name;
        table[i].has_arg = options[i].takes_value ? required_argument : no_argument;
        table[i].val = 1000 + i;
    }
    optind = next;
    opterr = 0;
    int found = getopt_long(argc, argv, ":", table, NULL);
    free(table);
    result.next = optind;
    if (found >= 1000) {
        result.option = found - 1000;
        result.value = optarg;
    } else if (found == ':') {
        result.option = -3;
        result.value = argv[optind - 1];
    } else if (found == '?') {
        result.option = -2;
        result.value = argv[optind - 1];
    }
    return result;
}
