// SHA-256 by the processor's own instructions (Intel SHA extensions), where it has them.
#ifndef APUS_DIGEST_H
#define APUS_DIGEST_H

#include <stdint.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

// Whether apus_sha256_blocks may be called.
static inline int apus_has_sha256(void) {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b >> 29 & 1)) return 0;
  return __get_cpuid(1, &a, &b, &c, &d) && (c >> 9 & 1) && (c >> 19 & 1);  // SSSE3, SSE4.1
}

// Takes `count` blocks of 64 bytes into the eight words of a digest.
__attribute__((target("sha,sse4.1,ssse3"))) static inline void apus_sha256_blocks(
    uint32_t *state, const uint32_t *constants, const uint8_t *data, long count) {
  const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
  // The instructions want the words a b e f and c d g h.
  __m128i low = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0xB1);
  __m128i high = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(state + 4)), 0x1B);
  __m128i abef = _mm_alignr_epi8(low, high, 8);
  __m128i cdgh = _mm_blend_epi16(high, low, 0xF0);
  for (; count > 0; count--, data += 64) {
    const __m128i first = abef, second = cdgh;
    __m128i w[4];
    _Pragma("clang loop unroll(full)") for (int i = 0; i < 4; i++)
      w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(data + 16 * i)), big_endian);
    // Four rounds a turn; the words of the message are made four turns ahead.
    _Pragma("clang loop unroll(full)") for (int i = 0; i < 16; i++) {
      const __m128i x = _mm_add_epi32(w[i & 3], _mm_loadu_si128((const __m128i *)(constants + 4 * i)));
      cdgh = _mm_sha256rnds2_epu32(cdgh, abef, x);
      abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(x, 0x0E));
      const __m128i next = _mm_add_epi32(
          _mm_sha256msg1_epu32(w[i & 3], w[(i + 1) & 3]), _mm_alignr_epi8(w[(i + 3) & 3], w[(i + 2) & 3], 4));
      w[i & 3] = _mm_sha256msg2_epu32(next, w[(i + 3) & 3]);
    }
    abef = _mm_add_epi32(abef, first);
    cdgh = _mm_add_epi32(cdgh, second);
  }
  low = _mm_shuffle_epi32(abef, 0x1B);
  high = _mm_shuffle_epi32(cdgh, 0xB1);
  _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(low, high, 0xF0));
  _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(high, low, 8));
}
#else
static inline int apus_has_sha256(void) { return 0; }
static inline void apus_sha256_blocks(
    uint32_t *state, const uint32_t *constants, const uint8_t *data, long count) {}
#endif

#endif
