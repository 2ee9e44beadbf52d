// Operations on sixteen floats that Swift's SIMD16<Float> spells lane by lane, which the optimiser then at
// times fails to put together again. Swift imports the type below as SIMD16<Float>.
#ifndef APUS_VECTOR_H
#define APUS_VECTOR_H

typedef float apus_vector __attribute__((ext_vector_type(16)));

// a * b + c, rounded once.
static inline __attribute__((always_inline)) apus_vector apus_fma(apus_vector a, apus_vector b, apus_vector c) {
  return __builtin_elementwise_fma(a, b, c);
}

// c - a * b, rounded once.
static inline __attribute__((always_inline)) apus_vector apus_fnma(apus_vector a, apus_vector b, apus_vector c) {
  return __builtin_elementwise_fma(-a, b, c);
}

// Asks for the cache line of p in the second-level cache.
static inline __attribute__((always_inline)) void apus_prefetch(const float *p) { __builtin_prefetch(p, 0, 2); }

// A function that gives the calling thread's own room of so many numbers, which lives as long as the thread.
#define APUS_ROOM(name, type, count)                                     \
  static inline type *_Nonnull name(void) {                              \
    static _Thread_local type room[count] __attribute__((aligned(64)));  \
    return room;                                                         \
  }

// Room for a product's panel of B on the calling thread, in floats: 64 KiB that live as long as the thread.
#define APUS_PANEL_ROOM 16384
APUS_ROOM(apus_panel_room, float, APUS_PANEL_ROOM)

// x within [-bound, bound]; a NaN becomes a bound.
static inline __attribute__((always_inline)) apus_vector apus_limited(apus_vector x, float bound) {
  apus_vector high = (apus_vector)bound;
  return __builtin_elementwise_min(__builtin_elementwise_max(x, -high), high);
}

// The smaller and the larger of each pair; of equal numbers (also -0 and 0) both come out once.
static inline __attribute__((always_inline)) apus_vector apus_smaller(apus_vector a, apus_vector b) {
  return a < b ? a : b;
}
static inline __attribute__((always_inline)) apus_vector apus_larger(apus_vector a, apus_vector b) {
  return a < b ? b : a;
}

// Sixteen rows of sixteen floats, `stride` apart, times `factor`, turned into columns at `target`.
static inline void apus_transpose(
    const float *source, long stride, float factor, float *target, long target_stride) {
  typedef float unaligned __attribute__((ext_vector_type(16), aligned(4)));
  apus_vector rows[16];
  _Pragma("clang loop unroll(full)") for (int i = 0; i < 16; i++)
    rows[i] = *(const unaligned *)(source + i * stride) * factor;
  // Blocks of 8, 4, 2 and 1 change places across the diagonal.
  _Pragma("clang loop unroll(full)") for (int i = 0; i < 8; i++) {
    int j = i / 8 * 16 + i % 8;
    apus_vector a = rows[j], b = rows[j + 8];
    rows[j] = __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
    rows[j + 8] = __builtin_shufflevector(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
  }
  _Pragma("clang loop unroll(full)") for (int i = 0; i < 8; i++) {
    int j = i / 4 * 8 + i % 4;
    apus_vector a = rows[j], b = rows[j + 4];
    rows[j] = __builtin_shufflevector(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27);
    rows[j + 4] = __builtin_shufflevector(a, b, 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31);
  }
  _Pragma("clang loop unroll(full)") for (int i = 0; i < 8; i++) {
    int j = i / 2 * 4 + i % 2;
    apus_vector a = rows[j], b = rows[j + 2];
    rows[j] = __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
    rows[j + 2] = __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
  }
  _Pragma("clang loop unroll(full)") for (int i = 0; i < 8; i++) {
    int j = i / 1 * 2 + i % 1;
    apus_vector a = rows[j], b = rows[j + 1];
    rows[j] = __builtin_shufflevector(a, b, 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30);
    rows[j + 1] = __builtin_shufflevector(a, b, 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31);
  }
  _Pragma("clang loop unroll(full)") for (int i = 0; i < 16; i++)
    *(unaligned *)(target + i * target_stride) = rows[i];
}

// Whole numbers beside the floats above: SIMD16<Int32>, SIMD8<Int64> and SIMD16<UInt16> in Swift.
typedef int apus_integers __attribute__((ext_vector_type(16)));
typedef long long apus_longs __attribute__((ext_vector_type(8)));
typedef unsigned short apus_shorts __attribute__((ext_vector_type(16)));

// x to the nearest whole number, ties to even; |x| < 2^31.
static inline __attribute__((always_inline)) apus_integers apus_nearest(apus_vector x) {
  return __builtin_convertvector(__builtin_elementwise_roundeven(x), apus_integers);
}

// count + 1 where x > bound.
static inline __attribute__((always_inline)) apus_integers apus_count_above(
    apus_integers count, apus_vector x, apus_vector bound) {
  return count - (x > bound);
}

// The lower and the upper eight, wide enough to be added up.
static inline __attribute__((always_inline)) apus_longs apus_lower(apus_integers x) {
  return __builtin_convertvector(x.lo, apus_longs);
}
static inline __attribute__((always_inline)) apus_longs apus_upper(apus_integers x) {
  return __builtin_convertvector(x.hi, apus_longs);
}

// a + small numbers b, modulo 2^16.
static inline __attribute__((always_inline)) apus_shorts apus_add_short(apus_shorts a, apus_integers b) {
  return a + __builtin_convertvector(b, apus_shorts);
}

#endif
