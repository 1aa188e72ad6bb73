/*
 * CRC-32C (Castagnoli) with the processor's own instruction, in three streams at a time: the
 * instruction starts anew every cycle and takes three to end.
 *
 * Compiled by build.sh; src/base/crc32c-native.ts calls it.
 */
#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <nmmintrin.h>
#define TARGET __attribute__((target("sse4.2")))
#define ADD_WORD(sum, word) _mm_crc32_u64((sum), (word))
#define ADD_BYTE(sum, byte) _mm_crc32_u8((uint32_t)(sum), (byte))
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <sys/auxv.h>
#define TARGET
#define ADD_WORD(sum, word) __crc32cd((uint32_t)(sum), (word))
#define ADD_BYTE(sum, byte) __crc32cb((uint32_t)(sum), (byte))
#else
#error "no instruction for CRC-32C is known here"
#endif

#define EXPORT __attribute__((visibility("default")))

/* Castagnoli's, the highest power in the lowest bit, as in all sums here. */
static const uint32_t polynomial = 0x82f63b78;

/* The product of two polynomials modulo Castagnoli's. */
static inline uint32_t product(uint32_t a, uint32_t b) {
  uint32_t sum = 0;
  for (int bit = 31; bit >= 0; bit--) {
    sum ^= b & (0 - (a >> bit & 1));
    b = b >> 1 ^ (polynomial & (0 - (b & 1)));
  }
  return sum;
}

static inline uint64_t word_at(const uint8_t *bytes) {
  uint64_t word;
  __builtin_memcpy(&word, bytes, sizeof word);
  return word;
}

/*
 * Takes all that comes in three times `size` bytes. A sum moves past n bytes when it is multiplied by
 * x to the power of 8n: `past_one` is that of `size` bytes, `past_two` of two times as many.
 */
TARGET static inline uint64_t in_threes(uint64_t sum, const uint8_t **from, size_t *left, size_t size,
                                        uint32_t past_one, uint32_t past_two) {
  while (*left >= 3 * size) {
    const uint8_t *bytes = *from;
    uint64_t second = 0;
    uint64_t third = 0;
    for (size_t at = 0; at < size; at += 8) {
      sum = ADD_WORD(sum, word_at(bytes + at));
      second = ADD_WORD(second, word_at(bytes + size + at));
      third = ADD_WORD(third, word_at(bytes + 2 * size + at));
    }
    sum = product((uint32_t)sum, past_two) ^ product((uint32_t)second, past_one) ^ third;
    *from += 3 * size;
    *left -= 3 * size;
  }
  return sum;
}

EXPORT TARGET uint32_t odradek_crc32c(const uint8_t *bytes, size_t length) {
  uint64_t sum = 0xffffffff;
  sum = in_threes(sum, &bytes, &length, 4096, 0x35d73a62, 0x28461564);
  sum = in_threes(sum, &bytes, &length, 1024, 0xe4172b16, 0x0d65762a);
  for (; length >= 8; bytes += 8, length -= 8) sum = ADD_WORD(sum, word_at(bytes));
  for (; length > 0; bytes++, length--) sum = ADD_BYTE(sum, *bytes);
  return ~(uint32_t)sum;
}

/* Whether this processor has the instruction: 1 or 0. */
EXPORT int odradek_crc32c_usable(void) {
#if defined(__x86_64__)
  unsigned a, b, c = 0, d;
  return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_2) != 0;
#else
  return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0;
#endif
}

/* Which source this was compiled from: the SHA-256 of this file. */
EXPORT const char odradek_crc32c_source[] = SOURCE;
