#include "internal.h"

// Rows and columns whose largest elements are further apart than 2^10 are scaled, and numbers near the ends of the
// range.
static const int widest_spread = 10, largest_exponent = 900;
// Right sides are moved if they are beyond.
static const int largest_of_side = 1000;

// The bits of |x|: as integers they are in the order of the numbers, and their maximum is found many at a time.
static inline int64_t size_bits(double x) {
  int64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits & INT64_MAX;
}

// Whether the largest elements, given as bits, of rows or of columns are so different or so large that LU would lose by
// it.
static bool are_graded(size_t n, const double *largest) {
  int64_t low = INT64_MAX, high = 0;
  for (size_t i = 0; i < n; i++) {
    int64_t bits = size_bits(largest[i]);
    if (bits == 0) continue;
    low = bits < low ? bits : low;
    high = bits > high ? bits : high;
  }
  if (high == 0) return false;
  int first = (int)(low >> 52), last = (int)(high >> 52);
  return last - first > widest_spread || last > 1023 + largest_exponent || first < 1023 - largest_exponent;
}

static int exponent_of(double x) {
  int exponent = 0;
  frexp(x, &exponent);
  return exponent;
}

bool cl_equilibrate(size_t n, const double *restrict x, double *restrict rows, double *restrict columns) {
  fill(n, columns, 0);
  for (size_t i = 0; i < n; i++) {
    const double *row = x + i * n;
    int64_t high = 0;
    for (size_t j = 0; j < n; j++) {
      int64_t bits = size_bits(row[j]);
      high = bits > high ? bits : high;
    }
    memcpy(rows + i, &high, sizeof high);
    for (size_t j = 0; j < n; j++) {
      double size = fabs(row[j]);
      columns[j] = size > columns[j] ? size : columns[j];
    }
  }
  bool is_scaled = are_graded(n, rows) || are_graded(n, columns);
  for (size_t i = 0; i < n; i++) is_scaled = is_scaled && isfinite(rows[i]);
  if (!is_scaled) {
    fill(n, rows, 0);
    fill(n, columns, 0);
    return false;
  }
  for (size_t i = 0; i < n; i++) rows[i] = rows[i] == 0 ? 0 : -exponent_of(rows[i]);
  for (size_t j = 0; j < n; j++) {
    int largest = INT32_MIN;
    for (size_t i = 0; i < n; i++) {
      double element = x[i * n + j];
      int exponent = exponent_of(element) + (int)rows[i];
      if (element != 0 && exponent > largest) largest = exponent;
    }
    columns[j] = largest == INT32_MIN ? 0 : -largest;
  }
  return true;
}

void cl_scale(size_t n, double *z, const double *x, const double *rows, const double *columns, int64_t shift) {
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++) {
      int64_t exponent = (int64_t)rows[i] + (int64_t)columns[j] + shift;
      z[i * n + j] = ldexp(x[i * n + j], (int)(exponent > 5000 ? 5000 : exponent < -5000 ? -5000 : exponent));
    }
}

void cl_scale_sides(size_t n, size_t m, size_t ldz, double *z, const double *rows, int *shifts) {
  for (size_t k = 0; k < m; k++) {
    int low = INT32_MAX, high = INT32_MIN;
    for (size_t i = 0; i < n; i++) {
      double element = z[i * ldz + k];
      if (element == 0 || !isfinite(element)) continue;
      int exponent = exponent_of(element) + (int)rows[i];
      low = exponent < low ? exponent : low;
      high = exponent > high ? exponent : high;
    }
    // As little as keeps the largest in range, and the smallest where both can be.
    int shift = high < low               ? 0
                : high > largest_of_side ? high - largest_of_side
                : low < -largest_of_side ? low + largest_of_side
                                         : 0;
    if (high >= low && high - shift > largest_of_side) shift = high - largest_of_side;
    shifts[k] = shift;
    for (size_t i = 0; i < n; i++) z[i * ldz + k] = ldexp(z[i * ldz + k], (int)rows[i] - shift);
  }
}

void cl_unscale_sides(size_t n, size_t m, size_t ldz, double *z, const double *columns, const int *shifts) {
  for (size_t i = 0; i < n; i++)
    for (size_t k = 0; k < m; k++) z[i * ldz + k] = ldexp(z[i * ldz + k], (int)columns[i] + shifts[k]);
}

int64_t cl_total(size_t n, const double *exponents) {
  int64_t total = 0;
  for (size_t i = 0; i < n; i++) total += (int64_t)exponents[i];
  return total;
}
