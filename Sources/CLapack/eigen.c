#include "CLapack.h"

#include "internal.h"

extern void dsyevd_(const char *job, const char *uplo, const integer *n, double *a, const integer *lda, double *w,
                    double *work, const integer *lwork, integer *iwork, const integer *liwork, integer *info, size_t,
                    size_t);

// LAPACK's work, as the documentation of dsyevd has it for vectors, and its integers.
static size_t work_size(size_t n) { return 1 + 6 * n + 2 * n * n; }
static size_t integer_count(size_t n) { return 3 + 5 * n; }

// The matrix, LAPACK's work, and its integers, of which two fit a double.
size_t cl_eigen_scratch(size_t n) { return n * n + work_size(n) + (integer_count(n) + 1) / 2; }

void cl_eigen(size_t n, double *z, const double *x, double *scratch, const int32_t *stop) {
  if (n == 0 || ck_is_raised(stop)) return;
  double *vectors = scratch, *work = vectors + n * n, *values = z + n * n;
  integer *integers = (integer *)(work + work_size(n));
  integer size = (integer)n, room = (integer)work_size(n), integer_room = (integer)integer_count(n), info = 0;
  memcpy(vectors, x, n * n * sizeof(double));
  // The lower half of rows is the upper half of LAPACK's columns.
  if (is_finite(n * n, vectors))
    dsyevd_("V", "U", &size, vectors, &size, values, work, &room, integers, &integer_room, &info, 1, 1);
  else
    info = 1;
  if (info != 0)
    fill(n * n + n, z, NAN);
  else
    transpose(n, n, z, vectors);
}
