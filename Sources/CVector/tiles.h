// Products by the matrix unit of some processors (Intel's AMX: eight registers of 16 rows of 64 bytes), which
// multiplies bfloat16 and adds up in single precision. A number of single precision is the exact sum of three
// parts of eight bits of mantissa, h + m + l; a product keeps the six of its nine partial products that
// single precision can see, and is as exact as one computed in single precision (`TileProduct`). Where sixteen
// bits will do, a number is two parts and a product three partial products; where eight, one.
#ifndef APUS_TILES_H
#define APUS_TILES_H

#include "pairs.h"
#include "vector.h"

#if defined(__AVX512BF16__)

typedef unsigned apus_words __attribute__((ext_vector_type(16)));
typedef unsigned apus_loose_words __attribute__((ext_vector_type(16), aligned(4)));

// Words of one part of a block of an operand: 16 rows of 16 pairs of bfloat16. A block is one to three of them,
// h, m and l, one behind the other. Which numbers of the depth share a word depends on the number of parts: what
// is cheapest to put in order.
#define APUS_TILE_WORDS 256

// Two parts of x and y: the first rounded to the nearest, so that what the second cuts off is of either sign. What is
// no number stays so in the second, whatever the rounding makes of its first.
static inline __attribute__((always_inline)) void apus_split_in_two(
    apus_words x, apus_words y, unsigned *_Nonnull target) {
  const apus_words upper = (apus_words)0xFFFF0000u, half = (apus_words)0x8000u;
  apus_words hx = (x + half) & upper, hy = (y + half) & upper;
  *(apus_words *)target = hy | (hx >> 16);
  apus_words rx = (apus_words)((apus_vector)x - (apus_vector)hx);
  apus_words ry = (apus_words)((apus_vector)y - (apus_vector)hy);
  *(apus_words *)(target + APUS_TILE_WORDS) = (ry & upper) | (rx >> 16);
}

// The parts of x and y, x's in the lower and y's in the upper halves of the words at `target`, `target` + 256
// and `target` + 512. Each of three is what is left, cut off after eight bits: no rounding, nothing lost.
static inline __attribute__((always_inline)) void apus_split(
    apus_words x, apus_words y, int parts, unsigned *_Nonnull target) {
  if (parts == 2) {
    apus_split_in_two(x, y, target);
    return;
  }
  const apus_words upper = (apus_words)0xFFFF0000u;
  apus_words hx = x & upper, hy = y & upper;
  *(apus_words *)target = hy | (hx >> 16);
  apus_words rx = (apus_words)((apus_vector)x - (apus_vector)hx);
  apus_words ry = (apus_words)((apus_vector)y - (apus_vector)hy);
  apus_words mx = rx & upper, my = ry & upper;
  *(apus_words *)(target + APUS_TILE_WORDS) = my | (mx >> 16);
  apus_words lx = (apus_words)((apus_vector)rx - (apus_vector)mx);
  apus_words ly = (apus_words)((apus_vector)ry - (apus_vector)my);
  *(apus_words *)(target + 2 * APUS_TILE_WORDS) = (ly & upper) | (lx >> 16);
}

static inline __attribute__((always_inline)) apus_words apus_words_at(const float *_Nonnull p) {
  return *(const apus_loose_words *)p;
}

static inline __attribute__((always_inline)) apus_words apus_first_words(const float *_Nonnull p, long count) {
  return (apus_words)apus_first(p, count);
}

// The parts of sixteen words of a row of the left operand, of x and the sixteen numbers behind them, y. Of two and three
// parts number j and number j + 16 share a word, of one part neighbours do.
static inline __attribute__((always_inline)) void apus_split_row(
    apus_words x, apus_words y, int parts, unsigned *_Nonnull target) {
  if (parts == 1) *(apus_vector *)target = apus_neighbours((apus_vector)x, (apus_vector)y);
  else apus_split(x, y, parts, target);
}

// Blocks of the left operand, one behind the other: `rows` (at most 16) rows, `row` numbers apart, of `depth`
// neighbouring numbers.
static inline void apus_left_blocks(
    const float *_Nonnull a, long row, long rows, long depth, int parts, unsigned *_Nonnull target) {
  const long words = parts * APUS_TILE_WORDS;
  for (long i = 0; i < 16; i++, a += row, target += 16) {
    long k = 0;
    unsigned *block = target;
    if (i < rows)
      for (; k + 32 <= depth; k += 32, block += words)
        apus_split_row(apus_words_at(a + k), apus_words_at(a + k + 16), parts, block);
    for (; k < depth; k += 32, block += words) {
      long count = i < rows ? depth - k : 0;
      apus_split_row(apus_first_words(a + k, count), apus_first_words(a + k + 16, count - 16), parts, block);
    }
  }
}

// Numbers of rows k and k + 1 of a matrix of `depth` rows side by side in words, zeros where there are no more rows.
static inline __attribute__((always_inline)) apus_vector apus_two_rows(
    const float *_Nonnull p, long row, long count, long k, long depth) {
  if (k >= depth) return (apus_vector)0.0f;
  return apus_interleaved(
      apus_first(p + k * row, count), k + 1 < depth ? apus_first(p + (k + 1) * row, count) : (apus_vector)0.0f);
}

// One block of a transposed matrix: `depth` (at most 32) rows, `row` numbers apart, of `rows` neighbouring numbers.
static inline void apus_left_block_transposed(
    const float *_Nonnull a, long row, long rows, long depth, int parts, unsigned *_Nonnull target) {
  if (parts == 1) {
    float pairs[16 * 16] __attribute__((aligned(64)));
    for (long k = 0; k < 16; k++) *(apus_vector *)(pairs + 16 * k) = apus_two_rows(a, row, rows, 2 * k, depth);
    apus_transpose(pairs, 16, 1, (float *)target, 16);
    return;
  }
  float gathered[32 * 16] __attribute__((aligned(64))), turned[32 * 16] __attribute__((aligned(64)));
  const float *source = a;
  long stride = row;
  if (rows < 16 || depth < 32) {
    for (long k = 0; k < 32; k++)
      *(apus_words *)(gathered + 16 * k) = k < depth ? apus_first_words(a + k * row, rows) : (apus_words)0u;
    source = gathered;
    stride = 16;
  }
  apus_transpose(source, stride, 1, turned, 16);
  apus_transpose(source + 16 * stride, stride, 1, turned + 256, 16);
  for (long i = 0; i < 16; i++)
    apus_split(apus_words_at(turned + 16 * i), apus_words_at(turned + 256 + 16 * i), parts, target + 16 * i);
}

// One block of the right operand: `depth` (at most 32) rows of sixteen numbers. Rows k and k + 16 share a row, of one
// part rows 2 k and 2 k + 1.
static inline void apus_right_block(
    const float *_Nonnull b, long row, long depth, int parts, unsigned *_Nonnull target) {
  for (long k = 0; k < 16; k++) {
    if (parts == 1) {
      *(apus_vector *)(target + 16 * k) = apus_two_rows(b, row, 16, 2 * k, depth);
      continue;
    }
    apus_words x = 0, y = 0;
    if (k < depth) x = apus_words_at(b + k * row);
    if (k + 16 < depth) y = apus_words_at(b + (k + 16) * row);
    apus_split(x, y, parts, target + 16 * k);
  }
}

#if defined(__x86_64__)
#include <sys/syscall.h>
#include <unistd.h>

// Asks the system for the tile registers, for all threads: whether they may be used.
static inline int apus_tiles_requested(void) { return syscall(SYS_arch_prctl, 0x1023, 18) == 0; }

#define APUS_TILES __attribute__((target("amx-tile,amx-bf16")))

// All eight registers, whole, for this thread until `apus_tiles_released`.
APUS_TILES static inline void apus_tiles_configured(void) {
  static const struct {
    unsigned char palette, start, reserved[14];
    unsigned short bytes[16];
    unsigned char rows[16];
  } whole __attribute__((aligned(64))) = {
      1, 0, {0}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};
  __builtin_ia32_tile_loadconfig(&whole);
}
APUS_TILES static inline void apus_tiles_released(void) { __builtin_ia32_tilerelease(); }

// Operands of a sum of block products: `count` blocks of left times as many of right, each block behind the one
// before it; those of the next sixteen rows `down` and those of the next sixteen columns `across` words away.
typedef struct {
  const unsigned *_Nonnull left;
  const unsigned *_Nonnull right;
  long count, down, across;
  int parts;
} apus_blocks;

#define APUS_TILES_INLINE APUS_TILES static inline __attribute__((always_inline))

APUS_TILES_INLINE void apus_load_left(const unsigned *_Nonnull p, long down, int below) {
  __builtin_ia32_tileloadd64(4, p, 64);
  if (below) __builtin_ia32_tileloadd64(5, p + down, 64);
}
APUS_TILES_INLINE void apus_load_right(const unsigned *_Nonnull p, long across, int beside) {
  __builtin_ia32_tileloadd64(6, p, 64);
  if (beside) __builtin_ia32_tileloadd64(7, p + across, 64);
}
APUS_TILES_INLINE void apus_multiply(int below, int beside) {
  __builtin_ia32_tdpbf16ps(0, 4, 6);
  if (beside) __builtin_ia32_tdpbf16ps(1, 4, 7);
  if (below) __builtin_ia32_tdpbf16ps(2, 5, 6);
  if (below && beside) __builtin_ia32_tdpbf16ps(3, 5, 7);
}

// Adds the product of every block of one part.
APUS_TILES_INLINE void apus_add_blocks_of_one(apus_blocks blocks, int below, int beside) {
  const unsigned *a = blocks.left, *b = blocks.right;
  for (long i = 0; i < blocks.count; i++, a += APUS_TILE_WORDS, b += APUS_TILE_WORDS) {
    apus_load_left(a, blocks.down, below);
    apus_load_right(b, blocks.across, beside);
    apus_multiply(below, beside);
  }
}

// Adds the three partial products of every block of two parts: m h, h h, h m.
APUS_TILES_INLINE void apus_add_blocks_of_two(apus_blocks blocks, int below, int beside) {
  const unsigned *a = blocks.left, *b = blocks.right;
  const long m = APUS_TILE_WORDS, words = 2 * APUS_TILE_WORDS;
  for (long i = 0; i < blocks.count; i++, a += words, b += words) {
    apus_load_left(a + m, blocks.down, below);
    apus_load_right(b, blocks.across, beside);
    apus_multiply(below, beside);
    apus_load_left(a, blocks.down, below);
    apus_multiply(below, beside);
    apus_load_right(b + m, blocks.across, beside);
    apus_multiply(below, beside);
  }
}

// Adds the six partial products of every block: l h, m h, m m, h m, h l and h h, in which no step loads both operands but
// the first.
APUS_TILES_INLINE void apus_add_blocks(apus_blocks blocks, int below, int beside) {
  const unsigned *a = blocks.left, *b = blocks.right;
  const long m = APUS_TILE_WORDS, l = 2 * APUS_TILE_WORDS, words = 3 * APUS_TILE_WORDS;
  for (long i = 0; i < blocks.count; i++, a += words, b += words) {
    apus_load_left(a + l, blocks.down, below);
    apus_load_right(b, blocks.across, beside);
    apus_multiply(below, beside);
    apus_load_left(a + m, blocks.down, below);
    apus_multiply(below, beside);
    apus_load_right(b + m, blocks.across, beside);
    apus_multiply(below, beside);
    apus_load_left(a, blocks.down, below);
    apus_multiply(below, beside);
    apus_load_right(b + l, blocks.across, beside);
    apus_multiply(below, beside);
    apus_load_right(b, blocks.across, beside);
    apus_multiply(below, beside);
  }
}

APUS_TILES_INLINE void apus_multiply_tiles(
    apus_blocks blocks, float *_Nonnull c, long bytes, int accumulate, int below, int beside) {
  float *lower = (float *)((char *)c + 16 * bytes);
  if (accumulate) {
    __builtin_ia32_tileloadd64(0, c, bytes);
    if (beside) __builtin_ia32_tileloadd64(1, c + 16, bytes);
    if (below) __builtin_ia32_tileloadd64(2, lower, bytes);
    if (below && beside) __builtin_ia32_tileloadd64(3, lower + 16, bytes);
  } else {
    __builtin_ia32_tilezero(0);
    if (beside) __builtin_ia32_tilezero(1);
    if (below) __builtin_ia32_tilezero(2);
    if (below && beside) __builtin_ia32_tilezero(3);
  }
  if (blocks.parts == 1) apus_add_blocks_of_one(blocks, below, beside);
  else if (blocks.parts == 2) apus_add_blocks_of_two(blocks, below, beside);
  else apus_add_blocks(blocks, below, beside);
  __builtin_ia32_tilestored64(0, c, bytes);
  if (beside) __builtin_ia32_tilestored64(1, c + 16, bytes);
  if (below) __builtin_ia32_tilestored64(2, lower, bytes);
  if (below && beside) __builtin_ia32_tilestored64(3, lower + 16, bytes);
}

// C = or += the sum, rows `c_row` numbers apart: 16 rows or, where `below`, 32, and 16 columns or,
// where `beside`, 32.
APUS_TILES static inline void apus_tiles_product(
    apus_blocks blocks, float *_Nonnull c, long c_row, int accumulate, int below, int beside) {
  if (below && beside) apus_multiply_tiles(blocks, c, 4 * c_row, accumulate, 1, 1);
  else if (below) apus_multiply_tiles(blocks, c, 4 * c_row, accumulate, 1, 0);
  else if (beside) apus_multiply_tiles(blocks, c, 4 * c_row, accumulate, 0, 1);
  else apus_multiply_tiles(blocks, c, 4 * c_row, accumulate, 0, 0);
}

// Room for the operands of a product on the calling thread, in words: left and right.
#define APUS_LEFT_ROOM 61440   // 64 rows, 640 deep
#define APUS_RIGHT_ROOM 30720   // 32 columns, 640 deep
APUS_ROOM(apus_left_room, unsigned, APUS_LEFT_ROOM)
APUS_ROOM(apus_right_room, unsigned, APUS_RIGHT_ROOM)

// Room for the left operand of complex products on the calling thread: 16 rows of 3 x 640 numbers.
#define APUS_STACKED_ROOM 30720
APUS_ROOM(apus_stacked_room, float, APUS_STACKED_ROOM)
#endif
#endif
#endif
