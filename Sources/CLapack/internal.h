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

#endif
