#include "CLapack.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// The routines of LAPACK and BLAS that are called, as Fortran compilers export them: everything by address, lengths of texts at the end.
typedef int32_t integer;
extern void dpotrf_(const char *uplo, const integer *n, double *a, const integer *lda, integer *info, size_t);
extern void dgetrf_(const integer *m, const integer *n, double *a, const integer *lda, integer *ipiv, integer *info);
extern void dgeqp3_(const integer *m, const integer *n, double *a, const integer *lda, integer *jpvt, double *tau, double *work,
                    const integer *lwork, integer *info);
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

static void fill(size_t count, double *z, double value) {
  for (size_t i = 0; i < count; i++) z[i] = value;
}

// Cholesky -------------------------------------------------------------------------------------------------------------------------

int32_t cl_cholesky(size_t n, double *z, const double *x) {
  if (n == 0) return 0;
  // The lower half of rows is the upper half of LAPACK's columns.
  for (size_t i = 0; i < n; i++) {
    memcpy(z + i * n, x + i * n, (i + 1) * sizeof(double));
    fill(n - i - 1, z + i * n + i + 1, 0);
  }
  bool is_nan = has_nan(n * n, z);
  integer order = (integer)n, info = 0;
  if (!is_nan) dpotrf_("U", &order, z, &order, &info, 1);
  if (is_nan)
    for (size_t i = 0; i < n; i++) fill(i + 1, z + i * n, NAN);
  return info;
}

// Triangular and LU solves -----------------------------------------------------------------------------------------------------------

// z = t⁻¹ z or t⁻ᵀ z. LAPACK sees zᵀ (m by n) and tᵀ: zᵀ <- zᵀ (tᵀ)⁻¹ from the right.
static void solve_triangle(size_t n, size_t m, bool lower, bool transposed, bool has_unit_diagonal, double *z, const double *x) {
  integer rows = (integer)m, columns = (integer)n;
  double one = 1;
  dtrsm_("R", lower ? "U" : "L", transposed ? "T" : "N", has_unit_diagonal ? "U" : "N", &rows, &columns, &one, x, &columns, z, &rows, 1,
         1, 1, 1);
}

static int32_t first_zero_of_diagonal(size_t n, const double *x) {
  for (size_t i = 0; i < n; i++)
    if (x[i * n + i] == 0) return (int32_t)(i + 1);
  return 0;
}

static void copy_unless_same(size_t count, double *z, const double *x) {
  if (z != x) memcpy(z, x, count * sizeof(double));
}

int32_t cl_triangular_solve(size_t n, size_t m, bool lower, bool transposed, double *z, const double *x, const double *b) {
  if (n == 0) return 0;
  int32_t zero = first_zero_of_diagonal(n, x);
  if (zero != 0 || m == 0) return zero;
  copy_unless_same(n * m, z, b);
  solve_triangle(n, m, lower, transposed, false, z, x);
  return 0;
}

void cl_lu(size_t n, double *z, const double *x) {
  if (n == 0) return;
  memcpy(z, x, n * n * sizeof(double));
  double *row = z + n * n;
  integer *exchanges = (integer *)row;
  integer order = (integer)n, info;
  dgetrf_(&order, &order, z, &order, exchanges, &info);
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
int32_t cl_lu_solve(size_t n, size_t m, bool transposed, double *z, const double *lu, const double *b) {
  if (n == 0) return 0;
  int32_t zero = first_zero_of_diagonal(n, lu);
  if (zero != 0 || m == 0) return zero;
  copy_unless_same(n * m, z, b);
  if (transposed) {
    // xᵀ = P L U with P a product of exchanges, the first applied first.
    for (size_t i = 0; i < n; i++) exchange_rows(i, n, m, z, lu);
    solve_triangle(n, m, false, true, true, z, lu);
    solve_triangle(n, m, true, true, false, z, lu);
  } else {
    solve_triangle(n, m, true, false, false, z, lu);
    solve_triangle(n, m, false, false, true, z, lu);
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
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += log(fabs(lu[i * n + i]));
  return sum;
}

// Cofactors --------------------------------------------------------------------------------------------------------------------------

// What LAPACK works in, for blocks of 32 columns.
static size_t work_size(size_t n) { return 2 * n + (n + 1) * 32 + 4160; }

// A copy of x, the reflectors' factors, the permutation, and LAPACK's work.
size_t cl_cofactors_scratch(size_t n) { return n * n + 2 * n + work_size(n); }

// The cofactors of the upper triangle r (column-major, the largest pivots first), and 0 if it lacks two ranks or more. With r split into
// [r₁ c; 0 p] and d = det r₁ they are [d p r₁⁻ᵀ, 0; -d (r₁⁻¹ c)ᵀ, d]: p, which is 0 for a singular matrix, divides nothing.
static void triangle_cofactors(size_t n, double *z, const double *r, double sign) {
  fill(n * n, z, 0);
  size_t k = n - 1;
  product d = {sign, 0};
  for (size_t i = 0; i < k; i++) d = times(d, r[i * n + i]);
  if (d.fraction == 0) return;
  double last = r[k * n + k];
  integer rows = (integer)k, columns = 1, ld = (integer)n;
  double one = 1;
  // Column k of z, used for what becomes the last row.
  double *c = z + k * n;
  memcpy(c, r + k * n, k * sizeof(double));
  if (k > 0) dtrsm_("L", "U", "N", "N", &rows, &columns, &one, r, &ld, c, &ld, 1, 1, 1, 1);
  for (size_t i = 0; i < k; i++) {
    product element = times(d, -c[i]);
    z[i * n + k] = value(element);
    c[i] = 0;
    z[i * n + i] = value(times(d, last));
  }
  z[k * n + k] = value(d);
  if (k > 0) dtrsm_("L", "U", "T", "N", &rows, &rows, &one, r, &ld, z, &ld, 1, 1, 1, 1);
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
void cl_cofactors(size_t n, double *z, const double *x, double *scratch) {
  if (n <= 3) {
    small_cofactors(n, z, x);
    return;
  }
  double *q = scratch, *tau = q + n * n, *work = tau + 2 * n;
  integer *order = (integer *)(tau + n);
  integer size = (integer)n, room = (integer)work_size(n), info;
  memcpy(q, x, n * n * sizeof(double));
  for (size_t i = 0; i < n * n; i++)
    if (!isfinite(q[i])) {
      fill(n * n, z, NAN);
      return;
    }
  memset(order, 0, n * sizeof(integer));
  dgeqp3_(&size, &size, q, &size, order, tau, work, &room, &info);
  double sign = permutation_sign(n, order);
  // Every reflection turns it once more.
  for (size_t i = 0; i < n; i++)
    if (tau[i] != 0) sign = -sign;
  triangle_cofactors(n, z, q, sign);
  dormqr_("L", "N", &size, &size, &size, q, &size, tau, z, &size, work, &room, &info, 1, 1);
  memcpy(q, z, n * n * sizeof(double));
  for (size_t j = 0; j < n; j++) memcpy(z + (size_t)(-order[j] - 1) * n, q + j * n, n * sizeof(double));
}
