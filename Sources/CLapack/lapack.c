#include "CLapack.h"

#include "internal.h"

#include <stdlib.h>

// The routines of LAPACK and BLAS that are called, as Fortran compilers export them.
extern void dpotrf_(const char *uplo, const integer *n, double *a, const integer *lda, integer *info, size_t);
extern void dgetrf_(const integer *m, const integer *n, double *a, const integer *lda, integer *ipiv, integer *info);

// What LAPACK calls about an argument that it cannot take. Its own version prints and stops the program; every argument
// here is right by construction, so this stops as well, in fewer words and without the Fortran runtime.
void xerbla_(const char *routine, const integer *argument, size_t length) {
  (void)routine, (void)argument, (void)length;
  abort();
}

// The one function of the Fortran runtime that the routines above call (they join two letters): with it, the runtime is
// not needed.
void _gfortran_concat_string(size_t room, char *to, size_t first_length, const char *first, size_t second_length,
                             const char *second) {
  for (size_t i = 0; i < room; i++)
    to[i] = i < first_length ? first[i] : i - first_length < second_length ? second[i - first_length] : ' ';
}

static bool has_nan(size_t count, const double *x) {
  for (size_t i = 0; i < count; i++)
    if (isnan(x[i])) return true;
  return false;
}

static void copy_unless_same(size_t count, double *z, const double *x, const int32_t *stop) {
  for (size_t i = 0; i < count && z != x && !ck_is_raised(stop); i += 65536)
    memcpy(z + i, x + i, least(65536, count - i) * sizeof(double));
}

// Large matrices are worked off in blocks: LAPACK has the block on the diagonal and what belongs to it, and the rest,
// which is nearly all work, are products of ours, faster than its BLAS by far. Between tiles of them the flag is looked
// at.
enum { BLOCK = 64 };

// c (rows by columns, rows c_row apart) -= x y; of a lower triangle only what is on and below the diagonal.
static void subtract_product(size_t rows, size_t columns, size_t depth, double *c, size_t c_row, const double *x,
                             size_t x_row, size_t x_column, const double *y, size_t y_row, size_t y_column,
                             bool is_lower, const int32_t *stop) {
  ck_matmul_fn multiply = ck_matmul(ck_best_kernels(), CK_FLOAT64);
  double *tile = ck_tile();
  for (size_t i0 = 0; i0 < rows; i0 += CK_TILE_ROWS) {
    size_t ni = least(CK_TILE_ROWS, rows - i0), end = is_lower ? i0 + ni : columns;
    for (size_t j0 = 0; j0 < end; j0 += CK_TILE_COLUMNS) {
      size_t nj = least(CK_TILE_COLUMNS, end - j0);
      multiply(ni, nj, depth, tile, x + i0 * x_row, (ptrdiff_t)x_row, (ptrdiff_t)x_column, y + j0 * y_column,
               (ptrdiff_t)y_row, (ptrdiff_t)y_column, stop);
      if (ck_is_raised(stop)) return;
      for (size_t i = 0; i < ni; i++) {
        double *row = c + (i0 + i) * c_row + j0;
        size_t count = !is_lower ? nj : i0 + i < j0 ? 0 : least(nj, i0 + i - j0 + 1);
        for (size_t j = 0; j < count; j++) row[j] -= tile[i * nj + j];
      }
    }
  }
}

// Cholesky ------------------------------------------------------------------------------------------------------------

int32_t cl_cholesky(size_t n, double *z, const double *x, const int32_t *stop) {
  if (n == 0) return 0;
  // The lower half of rows is the upper half of LAPACK's columns.
  for (size_t i = 0; i < n; i++) {
    memcpy(z + i * n, x + i * n, (i + 1) * sizeof(double));
    fill(n - i - 1, z + i * n + i + 1, 0);
  }
  if (has_nan(n * n, z)) {
    for (size_t i = 0; i < n; i++) fill(i + 1, z + i * n, NAN);
    return 0;
  }
  for (size_t j = 0; j < n && !ck_is_raised(stop); j += BLOCK) {
    double *diagonal = z + j * n + j;
    integer order = (integer)least(BLOCK, n - j), ld = (integer)n, info = 0;
    dpotrf_("U", &order, diagonal, &ld, &info, 1);
    if (info != 0) return (int32_t)j + info;
    size_t next = j + (size_t)order, rest = n - next;
    if (rest == 0) break;
    double *below = z + next * n + j;
    solve_columns("U", "T", "N", (size_t)order, rest, diagonal, n, below, n, stop);
    subtract_product(rest, rest, (size_t)order, z + next * n + next, n, below, n, 1, below, 1, n, true, stop);
  }
  return 0;
}

// Triangular and LU solves --------------------------------------------------------------------------------------------

// z = t⁻¹ z or t⁻ᵀ z for a block t on the diagonal of x. LAPACK sees zᵀ (m by count) and tᵀ: zᵀ <- zᵀ (tᵀ)⁻¹ from the
// right.
static void solve_block(size_t n, size_t count, size_t m, size_t ldz, bool lower, bool transposed,
                        bool has_unit_diagonal, double *z, const double *x, const int32_t *stop) {
  integer columns = (integer)count, lda = (integer)n, ldb = (integer)ldz;
  double one = 1;
  for (size_t i = 0; i < m && !ck_is_raised(stop); i += CK_TILE_COLUMNS) {
    integer rows = (integer)least(CK_TILE_COLUMNS, m - i);
    dtrsm_("R", lower ? "U" : "L", transposed ? "T" : "N", has_unit_diagonal ? "U" : "N", &rows, &columns, &one, x,
           &lda, z + i, &ldb, 1, 1, 1, 1);
  }
}

// z = t⁻¹ z or t⁻ᵀ z (n by m, rows ldz apart), block by block: what is solved is subtracted from the next.
static void solve_triangle(size_t n, size_t m, size_t ldz, bool lower, bool transposed, bool has_unit_diagonal,
                           double *z, const double *x, const int32_t *stop) {
  bool is_forward = lower != transposed;
  for (size_t done = 0; done < n && !ck_is_raised(stop);) {
    size_t count = least(BLOCK, n - done), first = is_forward ? done : n - done - count;
    size_t solved = is_forward ? 0 : n - done;
    if (done > 0) {
      const double *factor = transposed ? x + solved * n + first : x + first * n + solved;
      subtract_product(count, m, done, z + first * ldz, ldz, factor, transposed ? 1 : n, transposed ? n : 1,
                       z + solved * ldz, ldz, 1, false, stop);
    }
    solve_block(n, count, m, ldz, lower, transposed, has_unit_diagonal, z + first * ldz, x + first * n + first, stop);
    done += count;
  }
}

static int32_t first_zero_of_diagonal(size_t n, const double *x) {
  for (size_t i = 0; i < n; i++)
    if (x[i * n + i] == 0) return (int32_t)(i + 1);
  return 0;
}

int32_t cl_triangular_solve(size_t n, size_t m, bool lower, bool transposed, double *z, const double *x,
                            const double *b, const int32_t *stop) {
  if (n == 0) return 0;
  int32_t zero = first_zero_of_diagonal(n, x);
  if (zero != 0 || m == 0) return zero;
  copy_unless_same(n * m, z, b, stop);
  solve_triangle(n, m, m, lower, transposed, false, z, x, stop);
  return 0;
}

// Exchanges of rows of LAPACK's matrix, in all its columns, which are our rows, but those of the block that has made
// them.
static void exchange_in_others(size_t n, size_t first, size_t count, double *z, const integer *exchanges) {
  for (size_t i = 0; i < n; i++) {
    if (i == first) i += count;
    if (i >= n) return;
    double *row = z + i * n;
    for (size_t j = first; j < first + count; j++) {
      size_t other = (size_t)exchanges[j] - 1;
      double kept = row[j];
      row[j] = row[other];
      row[other] = kept;
    }
  }
}

void cl_lu(size_t n, double *z, const double *x, const int32_t *stop) {
  if (n == 0 || ck_is_raised(stop)) return;
  double *row = z + n * n, *row_exponents = row + n, *column_exponents = row_exponents + n;
  if (cl_equilibrate(n, x, row_exponents, column_exponents)) {
    cl_scale(n, z, x, row_exponents, column_exponents, 0);
  } else {
    copy_unless_same(n * n, z, x, stop);
  }
  integer *exchanges = (integer *)row;
  for (size_t j = 0; j < n && !ck_is_raised(stop); j += BLOCK) {
    double *diagonal = z + j * n + j;
    size_t count = least(BLOCK, n - j), next = j + count, rest = n - next;
    integer rows = (integer)(n - j), columns = (integer)count, ld = (integer)n, info;
    dgetrf_(&rows, &columns, diagonal, &ld, exchanges + j, &info);
    for (size_t i = j; i < next; i++) exchanges[i] += (integer)j;
    exchange_in_others(n, j, count, z, exchanges);
    double *below = z + next * n + j;
    solve_columns("L", "N", "U", count, rest, diagonal, n, below, n, stop);
    subtract_product(rest, rest, count, z + next * n + next, n, below, n, 1, diagonal + count, n, 1, false, stop);
  }
  if (ck_is_raised(stop)) return;
  // The integers stand in the first half of the row; spread out from the end they do not run over one another.
  for (size_t i = n; i-- > 0;) {
    integer exchange;
    memcpy(&exchange, (char *)row + i * sizeof exchange, sizeof exchange);
    double number = exchange;
    memcpy(row + i, &number, sizeof number);
  }
}

// Row i of z with the row that elimination exchanged it for.
static void exchange_rows(size_t i, size_t n, size_t m, size_t ldz, double *z, const double *lu) {
  size_t j = (size_t)lu[n * n + i] - 1;
  // Factors are the result of cl_lu; if they ever are not, nothing outside of z shall be touched.
  if (i == j || j >= n) return;
  for (size_t k = 0; k < m; k++) {
    double kept = z[i * ldz + k];
    z[i * ldz + k] = z[j * ldz + k];
    z[j * ldz + k] = kept;
  }
}

// LAPACK has factorised xᵀ = P L U, so x = Uᵀ Lᵀ Pᵀ: in terms of rows, x = (lower triangle with pivots) (upper triangle
// with ones) Pᵀ.
static void solve_factorised(size_t n, size_t m, size_t ldz, bool transposed, double *z, const double *lu,
                             const int32_t *stop) {
  if (transposed) {
    // xᵀ = P L U with P a product of exchanges, the first applied first.
    for (size_t i = 0; i < n; i++) exchange_rows(i, n, m, ldz, z, lu);
    solve_triangle(n, m, ldz, false, true, true, z, lu, stop);
    solve_triangle(n, m, ldz, true, true, false, z, lu, stop);
  } else {
    solve_triangle(n, m, ldz, true, false, false, z, lu, stop);
    solve_triangle(n, m, ldz, false, false, true, z, lu, stop);
    for (size_t i = n; i-- > 0;) exchange_rows(i, n, m, ldz, z, lu);
  }
}

static bool has_exponents(size_t n, const double *lu) {
  for (size_t i = 0; i < 2 * n; i++)
    if (lu[(n + 1) * n + i] != 0) return true;
  return false;
}

int32_t cl_lu_solve(size_t n, size_t m, bool transposed, double *z, const double *lu, const double *b,
                    const int32_t *stop) {
  if (n == 0) return 0;
  int32_t zero = first_zero_of_diagonal(n, lu);
  if (zero != 0 || m == 0) return zero;
  copy_unless_same(n * m, z, b, stop);
  if (!has_exponents(n, lu)) {
    solve_factorised(n, m, m, transposed, z, lu, stop);
    return 0;
  }
  // With a = 2^r x 2^c: x⁻¹ b = 2^c a⁻¹ 2^r b, and x⁻ᵀ b = 2^r a⁻ᵀ 2^c b.
  const double *rows = lu + (n + 1) * n, *columns = rows + n;
  // Some right sides at a time, since each has a power of two of its own besides.
  enum { SOME = 64 };
  int shifts[SOME];
  for (size_t first = 0; first < m && !ck_is_raised(stop); first += SOME) {
    size_t count = least(SOME, m - first);
    cl_scale_sides(n, count, m, z + first, transposed ? columns : rows, shifts);
    solve_factorised(n, count, m, transposed, z + first, lu, stop);
    cl_unscale_sides(n, count, m, z + first, transposed ? rows : columns, shifts);
  }
  return 0;
}

// Determinants --------------------------------------------------------------------------------------------------------

// The exponents that x has been scaled by, in the determinant.
static int64_t unscaled(size_t n, const double *lu) { return -cl_total(2 * n, lu + (n + 1) * n); }

static bool is_odd(size_t n, const double *lu) {
  bool odd = false;
  for (size_t i = 0; i < n; i++) odd ^= lu[n * n + i] != (double)(i + 1);
  return odd;
}

double cl_determinant(size_t n, const double *lu) {
  product p = {n > 0 && is_odd(n, lu) ? -1 : 1, unscaled(n, lu)};
  for (size_t i = 0; i < n; i++) p = times(p, lu[i * n + i]);
  return value(p);
}

double cl_determinant_sign(size_t n, const double *lu) {
  double sign = n > 0 && is_odd(n, lu) ? -1 : 1;
  for (size_t i = 0; i < n; i++) {
    double pivot = lu[i * n + i];
    if (isnan(pivot)) return NAN;
    sign = pivot == 0 ? 0 : pivot < 0 ? -sign : sign;
  }
  return sign;
}

double cl_determinant_log(size_t n, const double *lu) {
  product p = {1, unscaled(n, lu)};  // not a sum of logarithms: those of large and small pivots cancel
  for (size_t i = 0; i < n; i++) p = times(p, fabs(lu[i * n + i]));
  return llabs(p.exponent) < 1000 ? log(ldexp(p.fraction, (int)p.exponent))
                                  : log(p.fraction) + (double)p.exponent * M_LN2;
}
