#include "CLapack.h"

#include "internal.h"

extern void dgesdd_(const char *job, const integer *m, const integer *n, double *a, const integer *lda, double *s,
                    double *u, const integer *ldu, double *vt, const integer *ldvt, double *work, const integer *lwork,
                    integer *iwork, integer *info, size_t);

// LAPACK sees xᵀ (n by m) = V S Uᵀ: what it calls U is our V, and its Vᵀ, column by column, is our U row by row.
static integer call(size_t m, size_t n, double *x, double *s, double *u, double *v, double *work, integer room,
                    integer *integers) {
  integer rows = (integer)n, columns = (integer)m, k = (integer)least(m, n), info = 0;
  dgesdd_("S", &rows, &columns, x, &rows, s, v, &rows, u, &k, work, &room, integers, &info, 1);
  return info;
}

// What LAPACK asks for when it is called with room for -1 doubles.
static size_t work_size(size_t m, size_t n) {
  double size = 0, none = 0;
  integer no_integer = 0;
  call(m, n, &none, &none, &none, &none, &size, -1, &no_integer);
  return (size_t)size;
}

static size_t integer_count(size_t m, size_t n) { return 8 * least(m, n); }

// One call of LAPACK: the matrix, V as LAPACK has it, LAPACK's work, and its integers, of which two fit a double.
static size_t direct_scratch(size_t m, size_t n) {
  return m * n + n * least(m, n) + work_size(m, n) + integer_count(m, n) / 2;
}

static bool direct(size_t m, size_t n, double *u, double *s, double *v, const double *x, double *scratch) {
  size_t k = least(m, n), room = work_size(m, n);
  double *matrix = scratch, *right = matrix + m * n, *work = right + n * k;
  memcpy(matrix, x, m * n * sizeof(double));
  if (call(m, n, matrix, s, u, right, work, (integer)room, (integer *)(work + room)) != 0) return false;
  transpose(k, n, v, right);
  return true;
}

// A matrix of more than twice as many rows as columns is first brought to Q R, which can be stopped: R = U' S Vᵀ and
// U = Q U'. Q with R, U', and what either step works in.
static bool is_tall(size_t m, size_t n) { return m / 2 > n; }
static size_t tall_scratch(size_t m, size_t n) {
  return (m + n) * n + n * n + largest(cl_qr_scratch(m, n), direct_scratch(n, n));
}

static bool tall(size_t m, size_t n, double *u, double *s, double *v, const double *x, double *scratch,
                 const int32_t *stop) {
  double *qr = scratch, *inner = qr + (m + n) * n, *rest = inner + n * n;
  cl_qr(m, n, qr, x, rest, stop);
  if (ck_is_raised(stop)) return true;
  if (!direct(n, n, inner, s, v, qr + m * n, rest)) return false;
  multiply(m, n, n, u, qr, inner, stop);
  return true;
}

size_t cl_svd_scratch(size_t m, size_t n) {
  if (m == 0 || n == 0) return 0;
  return is_tall(m, n) ? tall_scratch(m, n) : is_tall(n, m) ? m * n + tall_scratch(n, m) : direct_scratch(m, n);
}

void cl_svd(size_t m, size_t n, double *z, const double *x, double *scratch, const int32_t *stop) {
  size_t k = least(m, n);
  if (k == 0 || ck_is_raised(stop)) return;
  double *u = z, *s = u + m * k, *v = s + k;
  bool is_done = is_finite(m * n, x);
  if (is_done && is_tall(m, n)) {
    is_done = tall(m, n, u, s, v, x, scratch, stop);
  } else if (is_done && is_tall(n, m)) {
    transpose(m, n, scratch, x);
    is_done = tall(n, m, v, s, u, scratch, scratch + m * n, stop);
  } else if (is_done) {
    is_done = direct(m, n, u, s, v, x, scratch);
  }
  if (!is_done) fill((m + 1 + n) * k, z, NAN);
}
