// What the files of this target share.
#ifndef CLAPACK_INTERNAL_H
#define CLAPACK_INTERNAL_H

#include "CKernels.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// How Fortran compilers pass whole numbers; everything goes by address, lengths of texts at the end.
typedef int32_t integer;

static inline size_t least(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t largest(size_t a, size_t b) { return a < b ? b : a; }

static inline void fill(size_t count, double *z, double value) {
  for (size_t i = 0; i < count; i++) z[i] = value;
}

static inline bool is_finite(size_t count, const double *x) {
  for (size_t i = 0; i < count; i++)
    if (!isfinite(x[i])) return false;
  return true;
}

// z (columns by rows) = the transpose of x (rows by columns).
static inline void transpose(size_t rows, size_t columns, double *z, const double *x) {
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < columns; j++) z[j * rows + i] = x[i * columns + j];
}

// z (rows by columns) = x (rows by depth) y (depth by columns); z is neither of them.
static inline void multiply(size_t rows, size_t columns, size_t depth, double *z, const double *x, const double *y,
                            const int32_t *stop) {
  ck_matmul_fn kernel = ck_matmul(ck_best_kernels(), CK_FLOAT64);
  double *tile = ck_tile();
  for (size_t i0 = 0; i0 < rows; i0 += CK_TILE_ROWS) {
    size_t ni = least(CK_TILE_ROWS, rows - i0);
    for (size_t j0 = 0; j0 < columns; j0 += CK_TILE_COLUMNS) {
      size_t nj = least(CK_TILE_COLUMNS, columns - j0);
      kernel(ni, nj, depth, tile, x + i0 * depth, (ptrdiff_t)depth, 1, y + j0, (ptrdiff_t)columns, 1, stop);
      if (ck_is_raised(stop)) return;
      for (size_t i = 0; i < ni; i++) memcpy(z + (i0 + i) * columns + j0, tile + i * nj, nj * sizeof(double));
    }
  }
}

// Powers of two by which the rows and columns of a graded matrix are multiplied, so that the largest elements of all
// are near 1: LU and QR choose pivots by size, and a matrix graded over 300 decades leaves the range of numbers on the
// way.
// All 0, with the result false, for the others, and where an element is not finite. `rows` and `columns` have n
// numbers.
bool cl_equilibrate(size_t n, const double *x, double *rows, double *columns);

// z = x, each element times two to the power of its row's and its column's exponent and the shift; z may be x.
void cl_scale(size_t n, double *z, const double *x, const double *rows, const double *columns, int64_t shift);

// Each of m right sides in z (rows ldz apart) with its rows scaled, and all of it by a power of its own where it would
// leave the range of numbers; and the solutions with that undone and the exponents of the columns.
void cl_scale_sides(size_t n, size_t m, size_t ldz, double *z, const double *rows, int *shifts);
void cl_unscale_sides(size_t n, size_t m, size_t ldz, double *z, const double *columns, const int *shifts);

// The sum of exponents.
int64_t cl_total(size_t n, const double *exponents);

extern void dtrsm_(const char *side, const char *uplo, const char *transa, const char *diag, const integer *m,
                   const integer *n, const double *alpha, const double *a, const integer *lda, double *b,
                   const integer *ldb, size_t, size_t, size_t, size_t);

// LAPACK's triangle x (n by n) from the left: b (n by count columns) <- x⁻¹ b or x⁻ᵀ b, some columns at a time.
static inline void solve_columns(const char *uplo, const char *transposed, const char *diagonal, size_t n, size_t count,
                                 const double *x, size_t ldx, double *b, size_t ldb, const int32_t *stop) {
  integer rows = (integer)n, lda = (integer)ldx, ld = (integer)ldb;
  double one = 1;
  for (size_t j = 0; j < count && !ck_is_raised(stop); j += CK_TILE_COLUMNS) {
    integer columns = (integer)least(CK_TILE_COLUMNS, count - j);
    dtrsm_("L", uplo, transposed, diagonal, &rows, &columns, &one, x, &lda, b + j * ldb, &ld, 1, 1, 1, 1);
  }
}

// A product whose factors may leave the range of doubles on the way: fraction times 2^exponent.
typedef struct {
  double fraction;
  int64_t exponent;
} product;

static inline product times(product p, double factor) {
  int first = 0, second = 0;
  double fraction = frexp(factor, &first);
  fraction = frexp(p.fraction * fraction, &second);
  return (product){fraction, p.exponent + first + second};
}

static inline double value(product p) {
  if (p.fraction == 0) return 0;  // and never -0, which would say more than is known
  int64_t exponent = p.exponent > 5000 ? 5000 : p.exponent < -5000 ? -5000 : p.exponent;
  return ldexp(p.fraction, (int)exponent);
}

#endif
