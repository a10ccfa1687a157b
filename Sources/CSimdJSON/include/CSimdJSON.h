// simdjson's DOM parser for callers that know no C++: what comes out is the "tape" that simdjson writes, an array of
// 64-bit words in the order of the text, and the strings that its words point into.
// The tape's format: https://github.com/simdjson/simdjson/blob/master/doc/tape.md
#ifndef CSIMDJSON_H
#define CSIMDJSON_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct millrace_json_parser millrace_json_parser;

// A parsed text. Both arrays belong to the parser, and are valid until it parses again or is given back.
typedef struct {
    // Word 0 is the root, whose low 32 bits are the index behind the last word; the value starts at word 1.
    uint64_t *tape;
    // Each string: 4 bytes of length in the machine's order, the bytes, a zero.
    const uint8_t *strings;
} millrace_json_text;

// A parser for the caller to use alone until it gives it back; null when memory has run out.
// Each thread keeps one in stock, so that borrowing costs nothing as long as parses are not nested.
millrace_json_parser *millrace_json_borrow(void);
void millrace_json_give_back(millrace_json_parser *parser);

// Parses length bytes, and reads none beyond them. Returns 0, or simdjson's error code.
int32_t millrace_json_parse(millrace_json_parser *parser, const uint8_t *bytes, size_t length, millrace_json_text *text);

// What an error code of millrace_json_parse means, in simdjson's words.
const char *millrace_json_error(int32_t code);

#ifdef __cplusplus
}
#endif

#endif
