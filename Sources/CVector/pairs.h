// Pairs of bfloat16, two a word, on processors whose vector unit rounds to them and multiplies them (AVX512_BF16).
#ifndef APUS_PAIRS_H
#define APUS_PAIRS_H

#include "vector.h"

#if defined(__AVX512BF16__)
typedef __bf16 apus_bfloats __attribute__((ext_vector_type(32)));
typedef short apus_halves __attribute__((ext_vector_type(32)));

// Thirty-two numbers rounded to the nearest bfloat16, ties to even: `lower` in the lower half.
static inline __attribute__((always_inline)) apus_halves apus_rounded(apus_vector lower, apus_vector upper) {
  return (apus_halves)__builtin_ia32_cvtne2ps2bf16_512(upper, lower);
}

// c plus the products of the two bfloat16 in every word of a and b.
static inline __attribute__((always_inline)) apus_vector apus_add_pairs(apus_vector c, apus_vector a, apus_vector b) {
  return __builtin_ia32_dpbf16ps_512(c, (apus_bfloats)a, (apus_bfloats)b);
}

// Sixteen words of neighbours: x and y are thirty-two numbers of a row, one behind the other.
static inline __attribute__((always_inline)) apus_vector apus_neighbours(apus_vector x, apus_vector y) {
  return (apus_vector)apus_rounded(x, y);
}

// Sixteen words: x's numbers in their lower and y's in their upper halves.
static inline __attribute__((always_inline)) apus_vector apus_interleaved(apus_vector x, apus_vector y) {
  apus_halves both = apus_rounded(x, y);
  return (apus_vector)__builtin_shufflevector(
      both, both, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13,
      29, 14, 30, 15, 31);
}

// The first `count` of sixteen numbers, zeros after them; nothing behind them is read.
static inline __attribute__((always_inline)) apus_vector apus_first(const float *_Nonnull p, long count) {
  unsigned short mask = count >= 16 ? 0xFFFF : count <= 0 ? 0 : (unsigned short)((1u << count) - 1);
  return __builtin_ia32_loadups512_mask(p, (apus_vector)0.0f, mask);
}

// Room for the operands of a product on the calling thread, in words.
#define APUS_PAIRS_LEFT_ROOM 32768
#define APUS_PAIRS_RIGHT_ROOM 16384
APUS_ROOM(apus_pairs_left_room, float, APUS_PAIRS_LEFT_ROOM)
APUS_ROOM(apus_pairs_right_room, float, APUS_PAIRS_RIGHT_ROOM)
#endif
#endif
