// Operations on sixteen floats that Swift's SIMD16<Float> spells lane by lane, which the optimiser then at
// times fails to put together again. Swift imports the type below as SIMD16<Float>.
#ifndef APUS_VECTOR_H
#define APUS_VECTOR_H

typedef float apus_vector __attribute__((ext_vector_type(16)));

// a * b + c, rounded once.
static inline __attribute__((always_inline)) apus_vector apus_fma(apus_vector a, apus_vector b, apus_vector c) {
  return __builtin_elementwise_fma(a, b, c);
}

// x within [-bound, bound]; a NaN becomes a bound.
static inline __attribute__((always_inline)) apus_vector apus_limited(apus_vector x, float bound) {
  apus_vector high = (apus_vector)bound;
  return __builtin_elementwise_min(__builtin_elementwise_max(x, -high), high);
}

#endif
