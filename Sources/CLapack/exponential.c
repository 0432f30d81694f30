#include "CLapack.h"

#include "internal.h"

// How often x must be halved for the approximation to be exact: its largest sum of a row then is below 5.37.
static int halvings(size_t n, const double *x) {
  double norm = 0;
  // Sums of the largest numbers must not overflow.
  for (size_t i = 0; i < n; i++) {
    double sum = 0;
    for (size_t j = 0; j < n; j++) sum += ldexp(fabs(x[i * n + j]), -40);
    norm = fmax(norm, sum);
  }
  int exponent = 0;
  frexp(norm / 5.371920351148152, &exponent);
  return norm == 0 || exponent + 40 < 0 ? 0 : exponent + 40;
}

// Each squaring doubles the error of rounding: more leave no digit of what neither vanishes nor overflows on the way.
// And what a matrix costs must be known before it is read.
static const int most_squarings = 53;

// Whether squaring has changed nothing, nor ever will: what has vanished, overflowed, or is NaN.
static bool is_same(size_t count, const double *x, const double *y) {
  for (size_t i = 0; i < count; i++)
    if (x[i] != y[i] && !(isnan(x[i]) && isnan(y[i]))) return false;
  return true;
}

// Numerator and denominator of Padé's approximation of order 13, lowest power first.
static const double pade[] = {64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000,
                              10559470521600,    670442572800,      33522128640,      1323241920,       40840800,
                              960960,            16380,             182,              1};

// Matrices: x scaled, its powers 2, 4 and 6, two that sums and products are made in, and LU factors.
size_t cl_exponential_scratch(size_t n) { return 7 * n * n + 3 * n; }

// N. J. Higham, "The scaling and squaring method for the matrix exponential revisited", SIAM J. Matrix Anal. Appl. 26
// (2005): with odd powers u and even ones v, the exponential of the scaled matrix is (v - u)⁻¹ (v + u). It is squared.
void cl_exponential(size_t n, double *z, const double *x, double *scratch, const int32_t *stop) {
  size_t count = n * n;
  if (count == 0) return;
  if (!is_finite(count, x)) {
    fill(count, z, NAN);
    return;
  }
  if (n == 1) {
    z[0] = exp(x[0]);
    return;
  }
  double *a = scratch, *a2 = a + count, *a4 = a2 + count, *a6 = a4 + count;
  double *u = a6 + count, *v = u + count, *lu = v + count;
  int squarings = halvings(n, x);
  for (size_t i = 0; i < count; i++) a[i] = ldexp(x[i], -squarings);
  multiply(n, n, n, a2, a, a, stop);
  multiply(n, n, n, a4, a2, a2, stop);
  multiply(n, n, n, a6, a4, a2, stop);
  for (size_t i = 0; i < count; i++) v[i] = pade[13] * a6[i] + pade[11] * a4[i] + pade[9] * a2[i];
  multiply(n, n, n, z, a6, v, stop);
  for (size_t i = 0; i < count; i++) z[i] += pade[7] * a6[i] + pade[5] * a4[i] + pade[3] * a2[i];
  for (size_t i = 0; i < n; i++) z[i * n + i] += pade[1];
  multiply(n, n, n, u, a, z, stop);
  for (size_t i = 0; i < count; i++) z[i] = pade[12] * a6[i] + pade[10] * a4[i] + pade[8] * a2[i];
  multiply(n, n, n, v, a6, z, stop);
  for (size_t i = 0; i < count; i++) v[i] += pade[6] * a6[i] + pade[4] * a4[i] + pade[2] * a2[i];
  for (size_t i = 0; i < n; i++) v[i * n + i] += pade[0];
  for (size_t i = 0; i < count; i++) {
    a[i] = v[i] - u[i];
    v[i] += u[i];
  }
  if (ck_is_raised(stop)) return;
  cl_lu(n, lu, a, stop);
  cl_lu_solve(n, n, false, z, lu, v, stop);
  for (int i = 0; i < squarings && !ck_is_raised(stop); i++) {
    if (i == most_squarings) {
      fill(count, z, NAN);
      return;
    }
    multiply(n, n, n, u, z, z, stop);
    if (is_same(count, z, u)) return;
    memcpy(z, u, count * sizeof(double));
  }
}

// The block matrix, its exponential, and what that takes.
size_t cl_exponential_slope_scratch(size_t n) { return 8 * n * n + cl_exponential_scratch(2 * n); }

// The exponential of [a c; 0 a] holds the derivative of that of a along c. A large c, of which the derivative is a
// multiple, would cost a its digits: it is brought to rows whose sums are at most 1, by a power of two.
void cl_exponential_slope(size_t n, double *z, const double *x, double *scratch, const int32_t *stop) {
  if (n == 0) return;
  const double *a = x, *c = x + n * n;
  double *block = scratch, *exponential = block + 4 * n * n, *rest = exponential + 4 * n * n;
  double largest = 0;
  for (size_t i = 0; i < n * n; i++) largest = fmax(largest, fabs(c[i]));
  int exponent = 0, size = 0;
  frexp(largest, &exponent);
  frexp((double)n, &size);
  int shift = largest == 0 || !isfinite(largest) ? 0 : exponent + size;
  fill(4 * n * n, block, 0);
  for (size_t i = 0; i < n; i++) {
    double *upper = block + i * 2 * n, *lower = block + (n + i) * 2 * n + n;
    memcpy(upper, a + i * n, n * sizeof(double));
    memcpy(lower, a + i * n, n * sizeof(double));
    for (size_t j = 0; j < n; j++) upper[n + j] = ldexp(c[i * n + j], -shift);
  }
  cl_exponential(2 * n, exponential, block, rest, stop);
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++) z[i * n + j] = ldexp(exponential[i * 2 * n + n + j], shift);
}
