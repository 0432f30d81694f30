#include "CLapack.h"

#include "internal.h"

extern void dlaqps_(const integer *m, const integer *n, const integer *offset, const integer *nb, integer *kb,
                    double *a, const integer *lda, integer *jpvt, double *tau, double *vn1, double *vn2, double *auxv,
                    double *f, const integer *ldf);
extern void dlaqp2_(const integer *m, const integer *n, const integer *offset, double *a, const integer *lda,
                    integer *jpvt, double *tau, double *vn1, double *vn2, double *work);
extern double dnrm2_(const integer *n, const double *x, const integer *step);
extern void dormqr_(const char *side, const char *trans, const integer *m, const integer *n, const integer *k,
                    const double *a, const integer *lda, const double *tau, double *c, const integer *ldc, double *work,
                    const integer *lwork, integer *info, size_t, size_t);

// Columns that LAPACK takes together, and those at the end that it does one by one.
enum { QR_BLOCK = 32, QR_END = 128 };

// What LAPACK works in.
static size_t work_size(size_t n) { return 2 * n + (n + 1) * QR_BLOCK + 4160; }

// A copy of x, the reflectors' factors, the permutation, the exponents of rows and columns, and LAPACK's work.
size_t cl_cofactors_scratch(size_t n) { return n * n + 4 * n + work_size(n); }

// The cofactors of the upper triangle r (column-major, the largest pivots first), and 0 if it lacks two ranks or more.
// With r split into [r₁ c; 0 p] and d = det r₁ they are [d p r₁⁻ᵀ, 0; -d (r₁⁻¹ c)ᵀ, d]: p, which is 0 for a singular
// matrix, divides nothing.
// They are z times 2^(what is returned).
static int64_t triangle_cofactors(size_t n, double *z, const double *r, double sign, const int32_t *stop) {
  fill(n * n, z, 0);
  size_t k = n - 1;
  product d = {sign, 0};
  for (size_t i = 0; i < k; i++) d = times(d, r[i * n + i]);
  if (d.fraction == 0) return 0;
  int64_t exponent = d.exponent;
  d.exponent = 0;
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
  return exponent;
}

// What LAPACK's dgeqp3 does where no column is given a place: QR with pivoting of a (column-major), in blocks between
// which the flag is looked at.
static void pivoted_qr(size_t n, double *a, integer *order, double *tau, double *work, const int32_t *stop) {
  const integer size = (integer)n, step = 1;
  double *norms = work, *kept_norms = work + n, *room = work + 2 * n;
  for (size_t j = 0; j < n; j++) {
    order[j] = (integer)j + 1;
    norms[j] = kept_norms[j] = dnrm2_(&size, a + j * n, &step);
  }
  size_t done = 0, in_blocks = n > QR_END ? n - QR_END : 0;
  while (done < in_blocks && !ck_is_raised(stop)) {
    integer offset = (integer)done, columns = (integer)(n - done), block = (integer)least(QR_BLOCK, in_blocks - done),
            made = 0;
    dlaqps_(&size, &columns, &offset, &block, &made, a + done * n, &size, order + done, tau + done, norms + done,
            kept_norms + done, room, room + block, &columns);
    done += (size_t)made;
  }
  if (ck_is_raised(stop)) return;
  integer offset = (integer)done, columns = (integer)(n - done);
  dlaqp2_(&size, &columns, &offset, a + done * n, &size, order + done, tau + done, norms + done, kept_norms + done,
          room);
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

// LAPACK sees xᵀ, and the cofactors of xᵀ are those of x transposed: all below is in its terms. With xᵀ = Q R Pᵀ,
// cofactors being multiplicative and those of an orthogonal matrix itself times its determinant, they are ± Q cof(R)
// Pᵀ.
void cl_cofactors(size_t n, double *z, const double *x, double *scratch, const int32_t *stop) {
  if (n <= 3) {
    small_cofactors(n, z, x);
    return;
  }
  double *q = scratch, *tau = q + n * n, *rows = tau + 2 * n, *columns = rows + n, *work = columns + n;
  integer *order = (integer *)(tau + n);
  integer size = (integer)n, room = (integer)work_size(n), info;
  memcpy(q, x, n * n * sizeof(double));
  if (!is_finite(n * n, q)) {
    fill(n * n, z, NAN);
    return;
  }
  if (cl_equilibrate(n, x, rows, columns)) cl_scale(n, q, x, rows, columns, 0);
  pivoted_qr(n, q, order, tau, work, stop);
  if (ck_is_raised(stop)) return;
  double sign = permutation_sign(n, order);
  // Every reflection turns it once more.
  for (size_t i = 0; i < n; i++)
    if (tau[i] != 0) sign = -sign;
  int64_t shift = triangle_cofactors(n, z, q, sign, stop) - cl_total(n, rows) - cl_total(n, columns);
  // The reflections from the last to the first, in the blocks that LAPACK would take.
  for (size_t end = n; end > 0 && !ck_is_raised(stop);) {
    size_t first = (end - 1) / QR_BLOCK * QR_BLOCK;
    integer rows = (integer)(n - first), count = (integer)(end - first);
    dormqr_("L", "N", &rows, &size, &count, q + first * n + first, &size, tau + first, z + first, &size, work, &room,
            &info, 1, 1);
    end = first;
  }
  memcpy(q, z, n * n * sizeof(double));
  for (size_t j = 0; j < n; j++) memcpy(z + (size_t)(-order[j] - 1) * n, q + j * n, n * sizeof(double));
  // Those of 2^r x 2^c are those of x times 2^(Σ r + Σ c - r - c).
  cl_scale(n, z, z, rows, columns, shift);
}
