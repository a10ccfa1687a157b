#ifndef CMILLRACE_BYTES_H
#define CMILLRACE_BYTES_H

#include <stddef.h>
#include <stdint.h>

/// Continues a CRC-32C (Castagnoli, reflected) over `length` bytes. Start with 0; the result is the finished checksum.
uint32_t millrace_crc32c(uint32_t crc, const void *bytes, size_t length);

/// The same without the processor's instruction: what runs where there is none, and what tests compare with.
uint32_t millrace_crc32c_portable(uint32_t crc, const void *bytes, size_t length);

#endif
