// The loops that must be fast, in C: one table of functions per instruction set, chosen once by what the processor
// offers. swiftc alone emits baseline code. Results do not depend on the choice (every reduction has one order) but for
// elementary functions and the functions of exponential.inc, whose last places do (README.md), and matrix products,
// which multiply and add with one rounding where the processor does. In no table does an element's result depend on its
// place, its neighbours or the strides.
#ifndef CKERNELS_H
#define CKERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// In the order of DType.
typedef enum { CK_FLOAT64, CK_FLOAT32, CK_INT64, CK_INT32, CK_BOOL, CK_DTYPE_COUNT } ck_dtype;
// The functions of one operand, each under the dtypes that it takes: the name of its constant, CK_NEG, and that of its
// loops, neg_f64 and so on. The constants and the tables of all instruction sets are made of this list.
// Results of the operations from CK_ISNAN on are bool.
#define CK_UNARY_KERNELS(FLOATS, NUMBERS, BOOLS)                                                              \
  NUMBERS(NEG, neg) NUMBERS(ABS, abs) NUMBERS(SIGN, sign) FLOATS(FLOOR, floor) FLOATS(CEIL, ceil)             \
  FLOATS(ROUND, round) FLOATS(TRUNC, trunc) NUMBERS(SQUARE, square) FLOATS(RECIPROCAL, reciprocal)            \
  FLOATS(SQRT, sqrt) FLOATS(RSQRT, rsqrt)                                                                     \
  FLOATS(EXP, exp) FLOATS(EXPM1, expm1) FLOATS(LOG, log) FLOATS(LOG1P, log1p) FLOATS(LOG2, log2)              \
  FLOATS(LOG10, log10)                                                                                        \
  FLOATS(SIN, sin) FLOATS(COS, cos) FLOATS(TAN, tan) FLOATS(ASIN, asin) FLOATS(ACOS, acos) FLOATS(ATAN, atan) \
  FLOATS(SINH, sinh) FLOATS(COSH, cosh) FLOATS(TANH, tanh) FLOATS(ASINH, asinh) FLOATS(ACOSH, acosh)          \
  FLOATS(ATANH, atanh)                                                                                        \
  FLOATS(ERF, erf) FLOATS(ERFC, erfc) FLOATS(ERFINV, erfinv) FLOATS(LGAMMA, lgamma) FLOATS(DIGAMMA, digamma)  \
  FLOATS(SIGMOID, sigmoid) FLOATS(SOFTPLUS, softplus) FLOATS(LOG_SIGMOID, log_sigmoid) FLOATS(RELU, relu)     \
  FLOATS(SECH2, sech2) FLOATS(GAUSSIAN, gaussian) FLOATS(TAN_SLOPE, tan_slope) FLOATS(ASIN_SLOPE, asin_slope) \
  FLOATS(ATANH_SLOPE, atanh_slope) FLOATS(ZERO_OF, zero_of) FLOATS(LENGTH_OF, length_of)                      \
  FLOATS(SCALED_SIGMOID, scaled_sigmoid) FLOATS(SCALED_SECH2, scaled_sech2)                                   \
  FLOATS(SCALED_GAUSSIAN, scaled_gaussian) FLOATS(SCALED_ERFC, scaled_erfc)                                   \
  FLOATS(I0E, i0e) FLOATS(I1E, i1e) FLOATS(NDTR, ndtr) FLOATS(LOG_NDTR, log_ndtr) FLOATS(NDTRI, ndtri)        \
  FLOATS(ERFCX, erfcx) FLOATS(SINC, sinc)                                                                     \
  FLOATS(ISNAN, isnan) FLOATS(ISINF, isinf) FLOATS(ISFINITE, isfinite) BOOLS(NOT, not)
// Likewise those of two operands. POW_DERIVATIVE, PRODUCT_QUOTIENT and the four PARTIALs are of three: the first is
// what z holds.
#define CK_BINARY_KERNELS(FLOATS, NUMBERS)                                                                   \
  NUMBERS(ADD, add) NUMBERS(SUB, sub) NUMBERS(MUL, mul) FLOATS(DIV, div) NUMBERS(POW, pow)                   \
  NUMBERS(MAXIMUM, maximum) NUMBERS(MINIMUM, minimum) FLOATS(ATAN2, atan2) FLOATS(HYPOT, hypot)              \
  FLOATS(LOGADDEXP, logaddexp)                                                                               \
  NUMBERS(REMAINDER, remainder) FLOATS(XLOGY, xlogy) FLOATS(POLYGAMMA, polygamma)                            \
  FLOATS(DIRECTION, direction) FLOATS(INVERSION, inversion) FLOATS(GAUSSIAN_DERIVATIVE, gaussian_derivative) \
  FLOATS(POW_BY_X, pow_by_x) FLOATS(POW_BY_Y, pow_by_y) FLOATS(PER_LENGTH, per_length)                       \
  FLOATS(POW_DERIVATIVE, pow_derivative) FLOATS(PRODUCT_QUOTIENT, product_quotient)                          \
  FLOATS(GAMMAINC, gammainc) FLOATS(GAMMAINCC, gammaincc) FLOATS(ZETA, zeta)                                 \
  FLOATS(FAMILY_DERIVATIVE, family_derivative)                                                               \
  FLOATS(GAMMAINC_PARTIAL, gammainc_partial) FLOATS(ZETA_PARTIAL, zeta_partial)                              \
  FLOATS(HYPOT_PARTIAL, hypot_partial) FLOATS(INVERSION_PARTIAL, inversion_partial)
// Of all dtypes; their results are bool.
#define CK_COMPARISONS(ALL, BOOLS)                                                                        \
  ALL(EQUAL, equal) ALL(NOT_EQUAL, not_equal) ALL(LESS, less) ALL(LESS_EQUAL, less_equal) BOOLS(AND, and) \
  BOOLS(OR, or) BOOLS(XOR, xor)

#define CK_CONSTANT(NAME, LOOPS) CK_##NAME,
typedef enum { CK_UNARY_KERNELS(CK_CONSTANT, CK_CONSTANT, CK_CONSTANT) CK_UNARY_COUNT } ck_unary_op;
typedef enum {
  CK_BINARY_KERNELS(CK_CONSTANT, CK_CONSTANT)
  // Of three operands: I(a, b, x) and its derivatives, in the order of ck_betainc_orders.
  CK_BETAINC, CK_BETAINC_LAST = CK_BETAINC + 34,
  CK_COMPARISONS(CK_CONSTANT, CK_CONSTANT)
  CK_BINARY_COUNT
} ck_binary_op;
// Functions of one operand whose derivatives CK_FAMILY_DERIVATIVE has: its first operand is one of these times
// CK_CODE_STEP, plus the order.
// The first operand of CK_GAMMAINC_PARTIAL to CK_INVERSION_PARTIAL is the order by the first of the others plus
// CK_CODE_STEP times that by the second.
typedef enum {
  CK_OF_NDTR, CK_OF_LOG_NDTR, CK_OF_NDTRI, CK_OF_ERFCX, CK_OF_SINC, CK_OF_I0E, CK_OF_I1E, CK_OF_ERFINV
} ck_family;
enum { CK_CODE_STEP = 4096 };
// The first operand of CK_POW_DERIVATIVE is m + 256 n for x^y m times by x and n times by y, times a power of 2 that
// keeps it in range; with CK_POW_SCALE added, the power of 2 alone, which is 1 nearly everywhere.
enum { CK_POW_SCALE = 65536 };
// The highest orders of these: of a function of one operand, or by the second of two; by the first of two.
enum { CK_MOST_ORDERS = 16, CK_MOST_PARAMETER_ORDERS = 8 };
// The orders by a, b and x of the functions from CK_BETAINC on: all that come to at most 4.
enum { CK_BETAINC_COUNT = 35 };
extern const uint8_t ck_betainc_orders[CK_BETAINC_COUNT][3];
static inline int ck_betainc_order(int index, int operand) { return ck_betainc_orders[index][operand]; }
// What a pair does with the result t of its first operation and w: t + w, t - w, w - t, t w, t / w, w / t, -t.
typedef enum {
  CK_THEN_ADD, CK_THEN_SUB, CK_THEN_SUB_FROM, CK_THEN_MUL, CK_THEN_DIV, CK_THEN_DIV_INTO, CK_THEN_NEG, CK_SECOND_COUNT
} ck_second_op;
// Results of the operations from CK_ARGMAX on are int64.
typedef enum {
  CK_SUM, CK_PROD, CK_MAX, CK_MIN, CK_ALL, CK_ANY, CK_MEAN, CK_MEAN_SQUARE, CK_LENGTH_CODE, CK_REST, CK_SCALE,
  CK_ARGMAX, CK_ARGMIN, CK_REDUCE_COUNT
} ck_reduce_op;
typedef enum {
  CK_CUMSUM, CK_RECURRENCE, CK_ARGSORT, CK_PERMUTE, CK_UNPERMUTE, CK_PRODUCT_TERMS,
  CK_CUMMAX, CK_CUMMIN, CK_LOGCUMSUMEXP, CK_ARGSELECT, CK_SEARCH_LEFT, CK_SEARCH_RIGHT,
  CK_DEVIATIONS, CK_WEIGHTED_DEVIATIONS, CK_WITHOUT_SHARE,
  CK_SCAN_COUNT
} ck_scan_op;

// All strides count elements. A stride of 0 repeats one element.

// Kernels that may run for long take a flag that another thread raises when nobody waits for the result any more: they
// look at it about every millisecond and return with z unfinished. NULL is never raised.
//
// The other thread may also pause them: who looks then waits until the flag is resumed or raised.
bool ck_waits_and_ends(const int32_t *flag);
static inline bool ck_is_raised(const int32_t *flag) {
  return flag && __atomic_load_n(flag, __ATOMIC_RELAXED) != 0 && ck_waits_and_ends(flag);
}
// Whether it has been raised, without waiting.
bool ck_is_ended(const int32_t *flag);
void ck_raise(int32_t *flag);
// Neither does anything to a flag that has been raised.
void ck_pause(int32_t *flag);
void ck_resume(int32_t *flag);
// Counts of threads, read and written atomically. One of them may be this thread's, which is then taken out of it while
// a flag makes it wait; NULL for none. Gives back which it was before.
int32_t *ck_count_while_awake(int32_t *count);
int32_t ck_count(const int32_t *count);
// Gives back the new count.
int32_t ck_count_add(int32_t *count, int32_t change);

// z[i * dz] = f(x[i * dx])
typedef void (*ck_unary_fn)(size_t n, void *z, ptrdiff_t dz, const void *x, ptrdiff_t dx);
// z[i * dz] = f(x[i * dx], y[i * dy]); returns the first i for which there is no answer (an integer divided by 0, a
// negative power of an integer), or -1.
typedef ptrdiff_t (*ck_binary_fn)(size_t n, void *z, ptrdiff_t dz, const void *x, ptrdiff_t dx, const void *y,
                                  ptrdiff_t dy);
// Functions of three operands are of this type too: z[i * dz] = f(z[i * dz], x[i * dx], y[i * dy]), the first lying in
// z already.
// Two operations in one pass, CK_ADD to CK_DIV and then one of ck_second_op: z[i] = second(first(x[i * dx], y[i * dy]),
// w[i * dw]), each rounded, so that the bits are those of the two kernels in turn. z is none of the operands.
typedef void (*ck_pair_fn)(size_t n, void *z, const void *x, ptrdiff_t dx, const void *y, ptrdiff_t dy, const void *w,
                           ptrdiff_t dw);
// A function and its slope in one pass, with the bits of their two kernels: z[i] = f(x[i]), slope[i] = f'(x[i]). None
// of the three is another.
typedef void (*ck_with_slope_fn)(size_t n, void *z, void *slope, const void *x);
// z[i * dz] = y[i * dy] where x[i * dx] is true; elsewhere z stays.
typedef void (*ck_select_fn)(size_t n, void *z, ptrdiff_t dz, const void *x, ptrdiff_t dx, const void *y, ptrdiff_t dy);
// Like a unary function; returns the first i that the target cannot hold, or -1.
typedef ptrdiff_t (*ck_cast_fn)(size_t n, void *z, ptrdiff_t dz, const void *x, ptrdiff_t dx);
// z[j] = all x[j * column_stride + i * row_stride] with i < rows, combined. Terms go round-robin into 16 lanes; every
// 4096 terms the lanes are emptied into 16 outer lanes, and every CK_REDUCE_PART terms these into 16 lanes for the
// whole; at the end the lanes are combined as a tree. float32 is added up and multiplied in double. Nothing combines to
// what changes nothing: 0, 1, -infinity, infinity, true, false.
// Products, means and means of squares are in range wherever the result is.
// CK_LENGTH_CODE is the root of the sum of squares, the length of a vector, in a form that the smallest and the largest
// of them have all their bits in: CK_LENGTH_OF gives the length, CK_PER_LENGTH divides by it.
// CK_REST adds up the terms below 1: of exponentials of which the largest is 1 what they have beside it.
// CK_SCALE is a power of two, large if all terms are tiny, else small: so scaled, sums of differences stay in range.
// CK_ARGMAX and CK_ARGMIN give the least such i, the first of ties, of floats the first NaN.
enum { CK_REDUCE_PART = 65536 };
typedef void (*ck_reduce_fn)(size_t columns, size_t rows, void *z, const void *x, ptrdiff_t column_stride,
                             ptrdiff_t row_stride, const int32_t *stop);
// The same reduction of one column piece by piece: begin, feed any number of times, finish into z. All but the last
// piece have a multiple of 16 terms if it is to be fast. `state` has CK_REDUCE_STATE bytes. Not for places. `join` adds
// what another state was fed with, which is the next CK_REDUCE_PART terms or what is left of them: the same bits as if
// they had been fed here, and so states can be fed side by side.
typedef void (*ck_reduce_begin_fn)(void *state);
typedef void (*ck_reduce_feed_fn)(void *state, size_t n, const void *x, ptrdiff_t step);
typedef void (*ck_reduce_join_fn)(void *state, const void *part);
typedef void (*ck_reduce_finish_fn)(void *state, void *z);
enum { CK_REDUCE_STATE = 1216 };
// One line along an axis, i < n, in order; float32 in double:
//   CK_CUMSUM      z[i] = x[0] + ... + x[i]
//   CK_RECURRENCE  z[0] = y[0], z[i] = x[i] z[i - 1] + y[i]
//   CK_ARGSORT     x[z[i]] ascends, NaN last, equals in order; int64 z, and y is scratch memory for 4 n int64
//   CK_PERMUTE     z[i] = x[y[i]], y being int64 and a permutation of i
//   CK_UNPERMUTE   z[y[i]] = x[i], its inverse
//   CK_CUMMAX      z[i] = the last place of the largest of x[0] ... x[i], of a NaN before all others; int64 z
//   CK_CUMMIN      the same of the smallest
//   CK_LOGCUMSUMEXP  z[i] = ln(e^x[0] + ... + e^x[i])
//   CK_ARGSELECT   z[j] = what CK_ARGSORT has at y[j], for the dy ranks at y, which ascend; behind them y has room for
//                  4 n int64
//   CK_SEARCH_LEFT   z[i] = how many of the dy numbers at y, which ascend, are below x[i], NaN counting as the largest;
//                  int64 z
//   CK_SEARCH_RIGHT  how many of them are not above x[i]
//   CK_DEVIATIONS  z[i] = y[i] - Σ x[k] y[k], x being weights that add up to 1
//   CK_WEIGHTED_DEVIATIONS  z[i] = x[i] (y[i] - Σ x[k] y[k])
//   CK_WITHOUT_SHARE  z[i] = y[i] - x[i] Σ y[k]; these three without a loss where one weight is near 1
//   CK_PRODUCT_TERMS  with the dy numbers at y + i dy as y[i][.]: z[i] = the sum, over all ways to give each l < dy a
//                  place k(l) of its own other than i, of the product of the y[k(l)][l] and of all x[j] that are
//                  neither at i nor at one of these places. With dy = 0 the product of all others, with more of them
//                  its derivatives.
enum { CK_PRODUCT_DIRECTIONS = 7 };  // the most dy of CK_PRODUCT_TERMS
typedef void (*ck_scan_fn)(size_t n, void *z, ptrdiff_t dz, const void *x, ptrdiff_t dx, void *y, ptrdiff_t dy,
                           const int32_t *stop);
// z (m by n, row-major, no gaps) = x (m by k) times y (k by n). Terms are added in the order of k, in blocks of
// CK_PRODUCT_DEPTH that start from 0 and are then added to one another; floats by multiply-adds of one rounding where
// ck_fuses says so. The order depends on k alone: a rectangle of z computed by itself has the same bits.
enum { CK_PRODUCT_DEPTH = 256 };
typedef void (*ck_matmul_fn)(size_t m, size_t n, size_t k, void *z, const void *x, ptrdiff_t x_row, ptrdiff_t x_column,
                             const void *y, ptrdiff_t y_row, ptrdiff_t y_column, const int32_t *stop);
// z (m numbers) = x (m by k) times the vector y (k numbers). Term l is added to part l mod 16, and the parts as a tree.
// For floats.
typedef void (*ck_matvec_fn)(size_t m, size_t k, void *z, const void *x, ptrdiff_t x_row, ptrdiff_t x_column,
                             const void *y, ptrdiff_t y_step, const int32_t *stop);

// A gather, for i < n: with k = index[i * di], counted from the end of `size` where negative, z[i * dz + j * jz] = x[k
// * dx + j * jx] for j < width. A scatter-add: z[k * dz + j * jz] += x[i * dx + j * jx], in the order of i; z is double
// for float32, too. Both stop at the first i whose index is out of range and return it; else -1.
typedef ptrdiff_t (*ck_gather_fn)(size_t n, size_t width, size_t size, void *z, ptrdiff_t dz, ptrdiff_t jz,
                                  const void *x, ptrdiff_t dx, ptrdiff_t jx, const void *index, ptrdiff_t di);

// A table of kernels. Opaque: its arrays of functions are nothing that Swift can index.
typedef struct ck_kernels ck_kernels;

// The fastest table that this processor can run.
const ck_kernels *ck_best_kernels(void);

// Asks for memory that is about to be touched, so that it is in the first cache by then.
static inline void ck_prefetch(const void *start, size_t byte_count) {
  for (size_t at = 0; at < byte_count; at += 64) __builtin_prefetch((const char *)start + at);
}

// Every table that this processor can run, slowest first, so that tests can compare them; returns how many (at most 3).
size_t ck_all_kernels(const ck_kernels *tables[3]);

// What a table is made for: "baseline", "avx2" or "avx512".
const char *ck_name(const ck_kernels *table);

// Entries of a table; NULL where an operation does not take a dtype.
ck_unary_fn ck_unary(const ck_kernels *table, int op, int dtype);
ck_binary_fn ck_binary(const ck_kernels *table, int op, int dtype);
// For floats.
ck_pair_fn ck_pair(const ck_kernels *table, int first, int second, int dtype);
// CK_TANH and CK_SECH2. For floats.
ck_with_slope_fn ck_tanh_with_slope(const ck_kernels *table, int dtype);
ck_cast_fn ck_cast(const ck_kernels *table, int from, int to);
ck_select_fn ck_select(const ck_kernels *table, int dtype);
ck_unary_fn ck_copy(const ck_kernels *table, int dtype);
// By whether indices are int32; otherwise they are int64.
ck_gather_fn ck_gather(const ck_kernels *table, int dtype, bool narrow);
ck_gather_fn ck_scatter_add(const ck_kernels *table, int dtype, bool narrow);
// As a scatter-add, but the last element wins, or the largest (of floats, a NaN before all others).
ck_gather_fn ck_scatter(const ck_kernels *table, int dtype, bool narrow);
ck_gather_fn ck_scatter_max(const ck_kernels *table, int dtype, bool narrow);
ck_reduce_fn ck_reduce(const ck_kernels *table, int op, int dtype);
ck_reduce_begin_fn ck_reduce_begin(const ck_kernels *table, int op, int dtype);
ck_reduce_feed_fn ck_reduce_feed(const ck_kernels *table, int op, int dtype);
ck_reduce_join_fn ck_reduce_join(const ck_kernels *table, int op, int dtype);
ck_reduce_finish_fn ck_reduce_finish(const ck_kernels *table, int op, int dtype);
ck_scan_fn ck_scan(const ck_kernels *table, int op, int dtype);
ck_matmul_fn ck_matmul(const ck_kernels *table, int dtype);
ck_matvec_fn ck_matvec(const ck_kernels *table, int dtype);
// Memory of a thread's own for a tile of CK_TILE_ROWS by CK_TILE_COLUMNS doubles, which no kernel uses.
enum { CK_TILE_ROWS = 96, CK_TILE_COLUMNS = 512 };
double *ck_tile(void);
// How many processors this process may run on.
int ck_processors(void);
// Whether products of floats multiply and add with one rounding.
bool ck_fuses(const ck_kernels *table);

#endif
