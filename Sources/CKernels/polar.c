// Derivatives of the polar coordinates of a point: those of r = √(x² + y²), and those of the angle by way of x / r².
// Each is a homogeneous polynomial over a power of r.
#include <math.h>
#include <string.h>

#include "families.h"

#pragma STDC FP_CONTRACT OFF

enum { most_terms = CK_MOST_ORDERS + 3, most_of_inversion = 100 };

// The operands by size: `large` and the quotient of the other one by it.
typedef struct {
  double small, large, quotient;
  int is_x_small;
} sizes;

static sizes by_size(double x, double y) {
  int is_x_small = fabs(x) < fabs(y);
  double small = is_x_small ? x : y, large = is_x_small ? y : x;
  return (sizes){small, large, small / large, is_x_small};
}

static double power(double x, int n) {
  double product = 1;
  for (; n > 0; n--) product *= x;
  return product;
}

// factor quotient^i |large|^-k. In mantissas and exponents, so that nothing leaves the range of numbers in between.
static double scaled(double factor, sizes s, int i, int k) {
  int of_small, of_large;
  double small = frexp(s.small, &of_small), large = frexp(s.large, &of_large);
  return ldexp(factor * power(small / large, i) / power(fabs(large), k), i * (of_small - of_large) - k * of_large);
}

// Whether an operand decides: where both are 0 there is no bound, beside an infinite one the limit is 0.
static int is_bound(double x, double y, double *z) {
  *z = x != x || y != y || (x == 0 && y == 0) ? NAN : 0;
  return *z != *z || isinf(x) || isinf(y);
}

double ck_hypot_partial(double code, double x, double y) {
  int m, n;
  double z = NAN;
  if (!ck_decode(code, &m, &n) || m + n < 2 || m + n > ck_max_order || is_bound(x, y, &z)) return z;
  // The sum of c[i] x^i y^(k - i) over r^(2k - 1): x or y at first. What the derivative by x makes of a term is
  // i x^(i - 1) y^(k - i + 2) + (i - 2k + 1) x^(i + 1) y^(k - i). Signs alternate, so no sums of coefficients cancel.
  double c[most_terms] = {m == 0, m > 0};
  int degree = m + n;
  for (int k = 1; k < degree; k++) {
    double next[most_terms] = {0};
    for (int i = 0; i <= k; i++) {
      if (k < m) {
        if (i > 0) next[i - 1] += i * c[i];
        next[i + 1] += (i - 2 * k + 1) * c[i];
      } else {
        next[i] += (1 - k - i) * c[i];
        next[i + 2] += (k - i) * c[i];
      }
    }
    memcpy(c, next, sizeof c);
  }

  // As t^first times a polynomial in t², t being the quotient.
  sizes s = by_size(x, y);
  int first = (s.is_x_small ? m : n) % 2;
  double square = s.quotient * s.quotient, sum = 0;
  while (c[s.is_x_small ? first : degree - first] == 0) first += 2;
  for (int i = degree - (degree - first) % 2; i >= first; i -= 2)
    sum = sum * square + c[s.is_x_small ? i : degree - i];
  sum /= power(1 + square, degree - 1) * sqrt(1 + square);
  return scaled(s.large < 0 && degree % 2 ? -sum : sum, s, first, degree - 1);
}

double ck_inversion_partial(double code, double x, double y) {
  int m, n;
  double z = NAN;
  if (!ck_decode(code, &m, &n) || m + n > most_of_inversion || is_bound(x, y, &z)) return z;
  // The real part of i^n (-1)^(N-1) (N - 1)! (x - i y)^N over r^(2N). (1 - i t)^N = a - i t b, t being the quotient: x
  // - i y is x (1 - i t) or -i y (1 + i t).
  int count = m + n + 1;
  sizes s = by_size(x, y);
  double square = s.quotient * s.quotient, a = 1, b = 0;
  for (int k = 0; k < count; k++) {
    double next = a - square * b;
    b += a;
    a = next;
  }
  int turns = (n + (s.is_x_small ? 3 * count : 0)) % 4, is_odd = turns % 2;
  double part = is_odd ? b : a, sign = turns == 2 || turns == (s.is_x_small ? 1 : 3) ? -1 : 1;
  for (int k = 1; k < count; k++) part *= -k;
  if (s.large < 0 && count % 2) sign = -sign;
  return scaled(sign * part / power(1 + square, count), s, is_odd, count);
}
