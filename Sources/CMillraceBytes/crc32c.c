#include "CMillraceBytes.h"

#include <stdatomic.h>
#include <string.h>

// Slicing by eight: table k holds the checksum of a byte followed by k zero bytes, so eight bytes cost eight look-ups and no dependency between them.
static uint32_t table[8][256];
static atomic_int table_is_ready;

static void fill_table(void) {
    // Two threads may fill it at once: both write the same values.
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (0x82F63B78u & (0u - (crc & 1)));
        table[0][byte] = crc;
    }
    for (uint32_t byte = 0; byte < 256; byte++)
        for (int slice = 1; slice < 8; slice++)
            table[slice][byte] = (table[slice - 1][byte] >> 8) ^ table[0][table[slice - 1][byte] & 0xFF];
    atomic_store_explicit(&table_is_ready, 1, memory_order_release);
}

uint32_t millrace_crc32c_portable(uint32_t crc, const void *bytes, size_t length) {
    if (!atomic_load_explicit(&table_is_ready, memory_order_acquire)) fill_table();
    const uint8_t *p = bytes;
    crc = ~crc;
    while (length >= 8) {
        crc ^= (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        crc = table[7][crc & 0xFF] ^ table[6][(crc >> 8) & 0xFF] ^ table[5][(crc >> 16) & 0xFF] ^ table[4][crc >> 24]
            ^ table[3][p[4]] ^ table[2][p[5]] ^ table[1][p[6]] ^ table[0][p[7]];
        p += 8;
        length -= 8;
    }
    while (length-- > 0) crc = (crc >> 8) ^ table[0][(crc ^ *p++) & 0xFF];
    return ~crc;
}

#if defined(__x86_64__)
#include <nmmintrin.h>

__attribute__((target("sse4.2")))
static uint32_t crc32c_sse42(uint32_t crc, const void *bytes, size_t length) {
    const uint8_t *p = bytes;
    uint64_t state = (uint32_t)~crc;
    while (length >= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        state = _mm_crc32_u64(state, word);
        p += 8;
        length -= 8;
    }
    uint32_t tail = (uint32_t)state;
    while (length-- > 0) tail = _mm_crc32_u8(tail, *p++);
    return ~tail;
}

uint32_t millrace_crc32c(uint32_t crc, const void *bytes, size_t length) {
    if (__builtin_cpu_supports("sse4.2")) return crc32c_sse42(crc, bytes, length);
    return millrace_crc32c_portable(crc, bytes, length);
}

#elif defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>

uint32_t millrace_crc32c(uint32_t crc, const void *bytes, size_t length) {
    const uint8_t *p = bytes;
    crc = ~crc;
    while (length >= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        crc = __crc32cd(crc, word);
        p += 8;
        length -= 8;
    }
    while (length-- > 0) crc = __crc32cb(crc, *p++);
    return ~crc;
}

#else

uint32_t millrace_crc32c(uint32_t crc, const void *bytes, size_t length) {
    return millrace_crc32c_portable(crc, bytes, length);
}

#endif
