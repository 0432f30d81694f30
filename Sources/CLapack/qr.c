#include "CLapack.h"

#include "internal.h"

extern void dgelqf_(const integer *m, const integer *n, double *a, const integer *lda, double *tau, double *work,
                    const integer *lwork, integer *info);
extern void dormlq_(const char *side, const char *trans, const integer *m, const integer *n, const integer *k,
                    const double *a, const integer *lda, const double *tau, double *c, const integer *ldc, double *work,
                    const integer *lwork, integer *info, size_t, size_t);

// Columns that are worked off between two looks at the flag, as LAPACK would.
enum { BLOCK = 32 };

// What LAPACK works in: a block of columns, and the triangles of its reflections.
static size_t work_size(size_t n) { return n * BLOCK + 4160; }

// The reflections, their factors, and LAPACK's work.
size_t cl_qr_scratch(size_t m, size_t n) { return m * n + n + work_size(n); }

// c, of which LAPACK sees `rows` rows and `columns` columns, times the reflections of a block from the right.
static void reflect(const char *transposed, size_t rows, size_t columns, size_t count, const double *block,
                    const double *tau, double *c, size_t ld, double *work, size_t room) {
  integer m = (integer)rows, n = (integer)columns, k = (integer)count, lda = (integer)ld, lwork = (integer)room, info;
  if (m > 0) dormlq_("R", transposed, &m, &n, &k, block, &lda, tau, c, &lda, work, &lwork, &info, 1, 1);
}

// LAPACK sees xᵀ (n by m), whose factors L Q' are those of x transposed: Q = Q'ᵀ and R = Lᵀ, of the same reflections.
void cl_qr(size_t m, size_t n, double *z, const double *x, double *scratch, const int32_t *stop) {
  if (n == 0) return;
  double *a = scratch, *tau = a + m * n, *work = tau + n, *q = z, *r = z + m * n;
  size_t room = work_size(n);
  memcpy(a, x, m * n * sizeof(double));
  if (!is_finite(m * n, a)) {
    fill((m + n) * n, z, NAN);
    return;
  }
  for (size_t j = 0; j < n && !ck_is_raised(stop); j += BLOCK) {
    size_t count = least(BLOCK, n - j), next = j + count;
    double *block = a + j * n + j;
    integer rows = (integer)count, columns = (integer)(m - j), ld = (integer)n, lwork = (integer)room, info;
    dgelqf_(&rows, &columns, block, &ld, tau + j, work, &lwork, &info);
    reflect("T", n - next, m - j, count, block, tau + j, a + j * n + next, n, work, room);
  }
  fill((m + n) * n, z, 0);
  for (size_t i = 0; i < n; i++) {
    memcpy(r + i * n + i, a + i * n + i, (n - i) * sizeof(double));
    q[i * n + i] = 1;
  }
  // The reflections from the last to the first.
  for (size_t end = n; end > 0 && !ck_is_raised(stop);) {
    size_t first = (end - 1) / BLOCK * BLOCK;
    const double *block = a + first * n + first;
    reflect("N", n - first, m - first, end - first, block, tau + first, q + first * n + first, n, work, room);
    end = first;
  }
}
