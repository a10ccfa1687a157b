#include "CSimdJSON.h"

#include <cstring>
#include <memory>
#include <new>
#include <simdjson.h>

namespace {
// Deeper texts are refused before Swift's recursion meets them. As deep as Foundation goes.
constexpr size_t maximum_depth = 512;
// A parser that has grown beyond this is not kept: one huge record must not cost memory for ever.
constexpr size_t kept_capacity = 1 << 20;
}

struct millrace_json_parser {
    simdjson::dom::parser parser;
    // simdjson reads up to SIMDJSON_PADDING bytes beyond the text, so it gets a copy with room behind it.
    std::unique_ptr<uint8_t[]> padded;
    size_t padded_capacity = 0;

    bool make_room(size_t length) noexcept {
        if (length <= padded_capacity) return true;
        size_t capacity = length < 1024 ? 1024 : length + length / 2;
        padded.reset(new (std::nothrow) uint8_t[capacity + simdjson::SIMDJSON_PADDING]);
        padded_capacity = padded ? capacity : 0;
        // Grown here and not by the parse, which would allocate for each text that is a little longer than the last.
        if (!padded || parser.allocate(capacity, maximum_depth) || parser.doc.allocate(capacity)) {
            padded_capacity = 0;
            return false;
        }
        return true;
    }
};

static thread_local std::unique_ptr<millrace_json_parser> in_stock;

millrace_json_parser *millrace_json_borrow(void) {
    if (in_stock) return in_stock.release();
    return new (std::nothrow) millrace_json_parser;
}

void millrace_json_give_back(millrace_json_parser *parser) {
    if (!in_stock && parser->padded_capacity <= kept_capacity) {
        in_stock.reset(parser);
    } else {
        delete parser;
    }
}

int32_t millrace_json_parse(millrace_json_parser *parser, const uint8_t *bytes, size_t length, millrace_json_text *text) {
    if (length > UINT32_MAX - simdjson::SIMDJSON_PADDING) return simdjson::CAPACITY;
    if (length == 0) return simdjson::EMPTY;
    if (!parser->make_room(length)) return simdjson::MEMALLOC;
    std::memcpy(parser->padded.get(), bytes, length);
    std::memset(parser->padded.get() + length, ' ', simdjson::SIMDJSON_PADDING);
    auto result = parser->parser.parse(parser->padded.get(), length, false);
    if (result.error()) return result.error();
    text->tape = parser->parser.doc.tape.get();
    text->strings = parser->parser.doc.string_buf.get();
    return 0;
}

const char *millrace_json_error(int32_t code) {
    return simdjson::error_message(static_cast<simdjson::error_code>(code));
}
