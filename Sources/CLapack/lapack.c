#include "CLapack.h"

#include "internal.h"

#include <stdlib.h>

// The routines of LAPACK and BLAS that are called, as Fortran compilers export them.
extern void dpotrf_(const char *uplo, const integer *n, double *a, const integer *lda, integer *info, size_t);
extern void dgetrf_(const integer *m, const integer *n, double *a, const integer *lda, integer *ipiv, integer *info);
extern void dlaqps_(const integer *m, const integer *n, const integer *offset, const integer *nb, integer *kb, double *a,
                    const integer *lda, integer *jpvt, double *tau, double *vn1, double *vn2, double *auxv, double *f,
                    const integer *ldf);
extern void dlaqp2_(const integer *m, const integer *n, const integer *offset, double *a, const integer *lda, integer *jpvt, double *tau,
                    double *vn1, double *vn2, double *work);
extern double dnrm2_(const integer *n, const double *x, const integer *step);
extern void dormqr_(const char *side, const char *trans, const integer *m, const integer *n, const integer *k, const double *a,
                    const integer *lda, const double *tau, double *c, const integer *ldc, double *work, const integer *lwork,
                    integer *info, size_t, size_t);
extern void dtrsm_(const char *side, const char *uplo, const char *transa, const char *diag, const integer *m, const integer *n,
                   const double *alpha, const double *a, const integer *lda, double *b, const integer *ldb, size_t, size_t, size_t,
                   size_t);

// What LAPACK calls about an argument that it cannot take. Its own version prints and stops the program; every argument here is right by
// construction, so this stops as well, in fewer words and without the Fortran runtime.
void xerbla_(const char *routine, const integer *argument, size_t length) {
  (void)routine, (void)argument, (void)length;
  abort();
}

// The one function of the Fortran runtime that the routines above call (they join two letters): with it, the runtime is not needed.
void _gfortran_concat_string(size_t room, char *to, size_t first_length, const char *first, size_t second_length, const char *second) {
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

// Large matrices are worked off in blocks: LAPACK has the block on the diagonal and what belongs to it, and the rest, which is nearly all
// work, are products of ours, faster than its BLAS by far. Between tiles of them the flag is looked at.
enum { BLOCK = 64 };

// c (rows by columns, rows c_row apart) -= x y; of a lower triangle only what is on and below the diagonal.
static void subtract_product(size_t rows, size_t columns, size_t depth, double *c, size_t c_row, const double *x, size_t x_row,
                             size_t x_column, const double *y, size_t y_row, size_t y_column, bool is_lower, const int32_t *stop) {
  ck_matmul_fn multiply = ck_matmul(ck_best_kernels(), CK_FLOAT64);
  double *tile = ck_tile();
  for (size_t i0 = 0; i0 < rows; i0 += CK_TILE_ROWS) {
    size_t ni = least(CK_TILE_ROWS, rows - i0), end = is_lower ? i0 + ni : columns;
    for (size_t j0 = 0; j0 < end; j0 += CK_TILE_COLUMNS) {
      size_t nj = least(CK_TILE_COLUMNS, end - j0);
      multiply(ni, nj, depth, tile, x + i0 * x_row, (ptrdiff_t)x_row, (ptrdiff_t)x_column, y + j0 * y_column, (ptrdiff_t)y_row,
               (ptrdiff_t)y_column, stop);
      if (ck_is_raised(stop)) return;
      for (size_t i = 0; i < ni; i++) {
        double *row = c + (i0 + i) * c_row + j0;
        size_t count = !is_lower ? nj : i0 + i < j0 ? 0 : least(nj, i0 + i - j0 + 1);
        for (size_t j = 0; j < count; j++) row[j] -= tile[i * nj + j];
      }
    }
  }
}

// LAPACK's triangle x (n by n) from the left: b (n by count columns) <- x⁻¹ b or x⁻ᵀ b, some columns at a time.
static void solve_columns(const char *uplo, const char *transposed, const char *diagonal, size_t n, size_t count, const double *x,
                          size_t ldx, double *b, size_t ldb, const int32_t *stop) {
  integer rows = (integer)n, lda = (integer)ldx, ld = (integer)ldb;
  double one = 1;
  for (size_t j = 0; j < count && !ck_is_raised(stop); j += CK_TILE_COLUMNS) {
    integer columns = (integer)least(CK_TILE_COLUMNS, count - j);
    dtrsm_("L", uplo, transposed, diagonal, &rows, &columns, &one, x, &lda, b + j * ldb, &ld, 1, 1, 1, 1);
  }
}

// Cholesky -------------------------------------------------------------------------------------------------------------------------

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

// Triangular and LU solves -----------------------------------------------------------------------------------------------------------

// z = t⁻¹ z or t⁻ᵀ z for a block t on the diagonal of x. LAPACK sees zᵀ (m by count) and tᵀ: zᵀ <- zᵀ (tᵀ)⁻¹ from the right.
static void solve_block(size_t n, size_t count, size_t m, bool lower, bool transposed, bool has_unit_diagonal, double *z, const double *x,
                        const int32_t *stop) {
  integer columns = (integer)count, lda = (integer)n, ldb = (integer)m;
  double one = 1;
  for (size_t i = 0; i < m && !ck_is_raised(stop); i += CK_TILE_COLUMNS) {
    integer rows = (integer)least(CK_TILE_COLUMNS, m - i);
    dtrsm_("R", lower ? "U" : "L", transposed ? "T" : "N", has_unit_diagonal ? "U" : "N", &rows, &columns, &one, x, &lda, z + i, &ldb, 1,
           1, 1, 1);
  }
}

// z = t⁻¹ z or t⁻ᵀ z, block by block: what is solved is subtracted from the next.
static void solve_triangle(size_t n, size_t m, bool lower, bool transposed, bool has_unit_diagonal, double *z, const double *x,
                           const int32_t *stop) {
  bool is_forward = lower != transposed;
  for (size_t done = 0; done < n && !ck_is_raised(stop);) {
    size_t count = least(BLOCK, n - done), first = is_forward ? done : n - done - count;
    size_t solved = is_forward ? 0 : n - done;
    if (done > 0) {
      const double *factor = transposed ? x + solved * n + first : x + first * n + solved;
      subtract_product(count, m, done, z + first * m, m, factor, transposed ? 1 : n, transposed ? n : 1, z + solved * m, m, 1, false, stop);
    }
    solve_block(n, count, m, lower, transposed, has_unit_diagonal, z + first * m, x + first * n + first, stop);
    done += count;
  }
}

static int32_t first_zero_of_diagonal(size_t n, const double *x) {
  for (size_t i = 0; i < n; i++)
    if (x[i * n + i] == 0) return (int32_t)(i + 1);
  return 0;
}

int32_t cl_triangular_solve(size_t n, size_t m, bool lower, bool transposed, double *z, const double *x, const double *b,
                            const int32_t *stop) {
  if (n == 0) return 0;
  int32_t zero = first_zero_of_diagonal(n, x);
  if (zero != 0 || m == 0) return zero;
  copy_unless_same(n * m, z, b, stop);
  solve_triangle(n, m, lower, transposed, false, z, x, stop);
  return 0;
}

// Exchanges of rows of LAPACK's matrix, in all its columns, which are our rows, but those of the block that has made them.
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
  if (n == 0) return;
  copy_unless_same(n * n, z, x, stop);
  double *row = z + n * n;
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
static void exchange_rows(size_t i, size_t n, size_t m, double *z, const double *lu) {
  size_t j = (size_t)lu[n * n + i] - 1;
  // Factors are the result of cl_lu; if they ever are not, nothing outside of z shall be touched.
  if (i == j || j >= n) return;
  for (size_t k = 0; k < m; k++) {
    double kept = z[i * m + k];
    z[i * m + k] = z[j * m + k];
    z[j * m + k] = kept;
  }
}

// LAPACK has factorised xᵀ = P L U, so x = Uᵀ Lᵀ Pᵀ: in terms of rows, x = (lower triangle with pivots) (upper triangle with ones) Pᵀ.
int32_t cl_lu_solve(size_t n, size_t m, bool transposed, double *z, const double *lu, const double *b, const int32_t *stop) {
  if (n == 0) return 0;
  int32_t zero = first_zero_of_diagonal(n, lu);
  if (zero != 0 || m == 0) return zero;
  copy_unless_same(n * m, z, b, stop);
  if (transposed) {
    // xᵀ = P L U with P a product of exchanges, the first applied first.
    for (size_t i = 0; i < n; i++) exchange_rows(i, n, m, z, lu);
    solve_triangle(n, m, false, true, true, z, lu, stop);
    solve_triangle(n, m, true, true, false, z, lu, stop);
  } else {
    solve_triangle(n, m, true, false, false, z, lu, stop);
    solve_triangle(n, m, false, false, true, z, lu, stop);
    for (size_t i = n; i-- > 0;) exchange_rows(i, n, m, z, lu);
  }
  return 0;
}

// Determinants -----------------------------------------------------------------------------------------------------------------------

// A product whose factors may leave the range of doubles on the way: fraction times 2^exponent.
typedef struct {
  double fraction;
  long exponent;
} product;

static product times(product p, double factor) {
  int first = 0, second = 0;
  double fraction = frexp(factor, &first);
  fraction = frexp(p.fraction * fraction, &second);
  return (product){fraction, p.exponent + first + second};
}

static double value(product p) {
  if (p.fraction == 0) return 0;  // and never -0, which would say more than is known
  long exponent = p.exponent > 5000 ? 5000 : p.exponent < -5000 ? -5000 : p.exponent;
  return ldexp(p.fraction, (int)exponent);
}

static bool is_odd(size_t n, const double *lu) {
  bool odd = false;
  for (size_t i = 0; i < n; i++) odd ^= lu[n * n + i] != (double)(i + 1);
  return odd;
}

double cl_determinant(size_t n, const double *lu) {
  product p = {n > 0 && is_odd(n, lu) ? -1 : 1, 0};
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
  product p = {1, 0};  // not a sum of logarithms: those of large and small pivots cancel
  for (size_t i = 0; i < n; i++) p = times(p, fabs(lu[i * n + i]));
  return labs(p.exponent) < 1000 ? log(ldexp(p.fraction, (int)p.exponent)) : log(p.fraction) + (double)p.exponent * M_LN2;
}

// Cofactors --------------------------------------------------------------------------------------------------------------------------

// Columns that LAPACK takes together, and those at the end that it does one by one.
enum { QR_BLOCK = 32, QR_END = 128 };

// What LAPACK works in.
static size_t work_size(size_t n) { return 2 * n + (n + 1) * QR_BLOCK + 4160; }

// A copy of x, the reflectors' factors, the permutation, and LAPACK's work.
size_t cl_cofactors_scratch(size_t n) { return n * n + 2 * n + work_size(n); }

// The cofactors of the upper triangle r (column-major, the largest pivots first), and 0 if it lacks two ranks or more. With r split into
// [r₁ c; 0 p] and d = det r₁ they are [d p r₁⁻ᵀ, 0; -d (r₁⁻¹ c)ᵀ, d]: p, which is 0 for a singular matrix, divides nothing.
static void triangle_cofactors(size_t n, double *z, const double *r, double sign, const int32_t *stop) {
  fill(n * n, z, 0);
  size_t k = n - 1;
  product d = {sign, 0};
  for (size_t i = 0; i < k; i++) d = times(d, r[i * n + i]);
  if (d.fraction == 0) return;
  double last = r[k * n + k];
  // Column k of z, used for what becomes the last row.
  double *c = z + k * n;
  memcpy(c, r + k * n, k * sizeof(double));
  if (k > 0) solve_columns("U", "N", "N", k, 1, r, n, c, n, stop);
  for (size_t i = 0; i < k; i++) {
    product element = times(d, -c[i]);
    z[i * n + k] = value(element);
    c[i] = 0;
    z[i * n + i] = value(times(d, last));
  }
  z[k * n + k] = value(d);
  for (size_t j = 0; j < k && !ck_is_raised(stop); j += QR_BLOCK)
    solve_columns("U", "T", "N", k, least(QR_BLOCK, k - j), r, n, z + j * n, n, stop);
}

// What LAPACK's dgeqp3 does where no column is given a place: QR with pivoting of a (column-major), in blocks between which the flag is
// looked at.
static void pivoted_qr(size_t n, double *a, integer *order, double *tau, double *work, const int32_t *stop) {
  const integer size = (integer)n, step = 1;
  double *norms = work, *kept_norms = work + n, *room = work + 2 * n;
  for (size_t j = 0; j < n; j++) {
    order[j] = (integer)j + 1;
    norms[j] = kept_norms[j] = dnrm2_(&size, a + j * n, &step);
  }
  size_t done = 0, in_blocks = n > QR_END ? n - QR_END : 0;
  while (done < in_blocks && !ck_is_raised(stop)) {
    integer offset = (integer)done, columns = (integer)(n - done), block = (integer)least(QR_BLOCK, in_blocks - done), made = 0;
    dlaqps_(&size, &columns, &offset, &block, &made, a + done * n, &size, order + done, tau + done, norms + done, kept_norms + done, room,
            room + block, &columns);
    done += (size_t)made;
  }
  if (ck_is_raised(stop)) return;
  integer offset = (integer)done, columns = (integer)(n - done);
  dlaqp2_(&size, &columns, &offset, a + done * n, &size, order + done, tau + done, norms + done, kept_norms + done, room);
}

// -1 for an odd permutation of 1...n. Leaves its elements negated: what has been visited.
static double permutation_sign(size_t n, integer *order) {
  double sign = 1;
  for (size_t i = 0; i < n; i++) {
    size_t length = 0;
    for (size_t j = i; order[j] > 0; length++) {
      size_t next = (size_t)order[j] - 1;
      order[j] = -order[j];
      j = next;
    }
    if (length > 0 && length % 2 == 0) sign = -sign;
  }
  return sign;
}

// Up to three rows they are written down, so that whole numbers give whole numbers.
static void small_cofactors(size_t n, double *z, const double *x) {
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++) {
      size_t r1 = (i + 1) % n, r2 = (i + 2) % n, c1 = (j + 1) % n, c2 = (j + 2) % n;
      z[i * n + j] = n == 1   ? 1
                     : n == 2 ? (i == j ? x[r1 * n + c1] : -x[r1 * n + c1])
                              : x[r1 * n + c1] * x[r2 * n + c2] - x[r1 * n + c2] * x[r2 * n + c1];
    }
}

// LAPACK sees xᵀ, and the cofactors of xᵀ are those of x transposed: all below is in its terms. With xᵀ = Q R Pᵀ, cofactors being
// multiplicative and those of an orthogonal matrix itself times its determinant, they are ± Q cof(R) Pᵀ.
void cl_cofactors(size_t n, double *z, const double *x, double *scratch, const int32_t *stop) {
  if (n <= 3) {
    small_cofactors(n, z, x);
    return;
  }
  double *q = scratch, *tau = q + n * n, *work = tau + 2 * n;
  integer *order = (integer *)(tau + n);
  integer size = (integer)n, room = (integer)work_size(n), info;
  memcpy(q, x, n * n * sizeof(double));
  if (!is_finite(n * n, q)) {
    fill(n * n, z, NAN);
    return;
  }
  pivoted_qr(n, q, order, tau, work, stop);
  if (ck_is_raised(stop)) return;
  double sign = permutation_sign(n, order);
  // Every reflection turns it once more.
  for (size_t i = 0; i < n; i++)
    if (tau[i] != 0) sign = -sign;
  triangle_cofactors(n, z, q, sign, stop);
  // The reflections from the last to the first, in the blocks that LAPACK would take.
  for (size_t end = n; end > 0 && !ck_is_raised(stop);) {
    size_t first = (end - 1) / QR_BLOCK * QR_BLOCK;
    integer rows = (integer)(n - first), count = (integer)(end - first);
    dormqr_("L", "N", &rows, &size, &count, q + first * n + first, &size, tau + first, z + first, &size, work, &room, &info, 1, 1);
    end = first;
  }
  memcpy(q, z, n * n * sizeof(double));
  for (size_t j = 0; j < n; j++) memcpy(z + (size_t)(-order[j] - 1) * n, q + j * n, n * sizeof(double));
}
