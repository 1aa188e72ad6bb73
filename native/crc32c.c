/*
 * CRC-32C (Castagnoli) with the processor's own instruction, in three streams at a time: the
 * instruction starts anew every cycle and takes three to end. Where the processor multiplies
 * polynomials in registers of 64 bytes, it does so instead, which takes less than half as long.
 *
 * Compiled by scripts/native.mjs; src/base/crc32c-native.ts calls it.
 */
#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
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

#if defined(__x86_64__)

#define WIDE_TARGET __attribute__((target("avx512f,vpclmulqdq,pclmul,sse4.2")))
/* Fewer bytes are not worth the way back from four registers to one sum. */
#define WIDE_BYTES_MIN 512

/* Moves each 16 bytes of `from` as far as `by` says (two powers of x modulo the polynomial), onto `onto`. */
WIDE_TARGET static inline __m512i moved(__m512i from, __m512i by, __m512i onto) {
  const __m512i low = _mm512_clmulepi64_epi128(from, by, 0x00);
  const __m512i high = _mm512_clmulepi64_epi128(from, by, 0x11);
  return _mm512_ternarylogic_epi64(low, high, onto, 0x96); /* exclusive or of all three */
}

WIDE_TARGET static inline __m512i powers(long long high, long long low) {
  return _mm512_broadcast_i32x4(_mm_set_epi64x(high, low));
}

/* The sum of four registers that stand for 256 bytes: each onto the next, then 64 bytes onto 16. */
WIDE_TARGET static inline uint64_t sum_of(__m512i a, __m512i b, __m512i c, __m512i d) {
  const __m512i past_64 = powers(0x9e4addf8, 0x740eef02);
  const __m512i last = moved(moved(moved(a, past_64, b), past_64, c), past_64, d);
  const __m512i past_48_32_16 =
      _mm512_set_epi64(0, 0, 0x14cd00bd6, 0xf20c0dfe, 0xba4fc28e, 0x1384aa63a, 0x1d82c63da, 0x1c291d04);
  const __m512i parts = moved(last, past_48_32_16, _mm512_setzero_si512());
  const __m128i first = _mm_xor_si128(_mm512_extracti32x4_epi32(parts, 0), _mm512_extracti32x4_epi32(parts, 1));
  const __m128i second = _mm_xor_si128(_mm512_extracti32x4_epi32(parts, 2), _mm512_extracti32x4_epi32(last, 3));
  const __m128i bytes = _mm_xor_si128(first, second);
  const uint64_t sum = _mm_crc32_u64(0, (uint64_t)_mm_extract_epi64(bytes, 0));
  return _mm_crc32_u64(sum, (uint64_t)_mm_extract_epi64(bytes, 1));
}

/* As odradek_crc32c; to be called only where odradek_crc32c_usable says 2. */
EXPORT WIDE_TARGET uint32_t odradek_crc32c_wide(const uint8_t *bytes, size_t length) {
  uint64_t sum = 0xffffffff;
  if (length >= WIDE_BYTES_MIN) {
    const __m512i past_256 = powers(0xb9e02b86, 0xdcb17aa4);
    const __m512i start = _mm512_zextsi128_si512(_mm_cvtsi32_si128((int)sum));
    __m512i a = _mm512_xor_si512(start, _mm512_loadu_si512(bytes));
    __m512i b = _mm512_loadu_si512(bytes + 64);
    __m512i c = _mm512_loadu_si512(bytes + 128);
    __m512i d = _mm512_loadu_si512(bytes + 192);
    for (bytes += 256, length -= 256; length >= 256; bytes += 256, length -= 256) {
      a = moved(a, past_256, _mm512_loadu_si512(bytes));
      b = moved(b, past_256, _mm512_loadu_si512(bytes + 64));
      c = moved(c, past_256, _mm512_loadu_si512(bytes + 128));
      d = moved(d, past_256, _mm512_loadu_si512(bytes + 192));
    }
    sum = sum_of(a, b, c, d);
  }
  for (; length >= 8; bytes += 8, length -= 8) sum = ADD_WORD(sum, word_at(bytes));
  for (; length > 0; bytes++, length--) sum = ADD_BYTE(sum, *bytes);
  return ~(uint32_t)sum;
}

/* Whether the system keeps registers of 64 bytes when it puts a thread aside: XCR0 of the processor. */
static int keeps_wide_registers(void) {
  const unsigned wanted = 0xe6;
  unsigned a, d;
  __asm__("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
  return (a & wanted) == wanted;
}

#endif

/* Whether this processor has the instruction: 0 or 1; 2 where it has all that odradek_crc32c_wide wants. */
EXPORT int odradek_crc32c_usable(void) {
#if defined(__x86_64__)
  unsigned a, b = 0, c = 0, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || (c & bit_SSE4_2) == 0) return 0;
  if ((c & bit_PCLMUL) == 0 || (c & bit_OSXSAVE) == 0 || !keeps_wide_registers()) return 1;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 1;
  return (b & bit_AVX512F) != 0 && (c & bit_VPCLMULQDQ) != 0 ? 2 : 1;
#else
  return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0;
#endif
}

/* Which source this was compiled from: the SHA-256 of this file. */
EXPORT const char odradek_crc32c_source[] = SOURCE;
