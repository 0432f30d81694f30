// See derivatives.h. Closed families: the derivative of a member is a member, so no order has a form like 0 · ∞ where
// the function is smooth.
#include "derivatives.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "jets.h"

#pragma STDC FP_CONTRACT OFF

enum { MOST_ORDERS = 100 };

// e^(-x²)
// ----------------------------------------------------------------------------------------------------

// (-1)^n H(n, x) e^(-x²) by the recurrence of Hermite's polynomials (DLMF 18.9). Half of the exponent is multiplied
// twice, so that the polynomial is there before the exponential underflows.
double ck_gaussian_derivative(double order, double x) {
  if (!(order >= 0 && order <= MOST_ORDERS) || order != floor(order)) return NAN;
  if (x != x) return x;
  if (fabs(x) > 45) return 0;
  double before = 0, polynomial = 1;
  for (int k = 0; k < (int)order; k++) {
    double next = -2 * x * polynomial - 2 * k * before;
    before = polynomial;
    polynomial = next;
  }
  uint64_t bits;
  double high;
  memcpy(&bits, &x, 8);
  bits &= ~(uint64_t)0x7ffffff;
  memcpy(&high, &bits, 8);
  double half = exp(-high * high / 2) * exp(-(x - high) * (x + high) / 2);
  return polynomial * half * half;
}

// x^y -----------------------------------------------------------------------------------------------------------------

// A power of 2 by which x^(y - m) comes near 1; 1 where it is well in range anyway, and where a limit decides.
static double power_scale(double x, double y, int m, double plain, double most) {
  double size = fabs(x);
  if (ck_power_is_near(x, y, m, plain) || !(size > 0 && size < INFINITY && fabs(y) < INFINITY)) return 1;
  double exponent = (y - m) * log2(size);
  if (fabs(exponent) < plain) return 1;
  exponent = exponent > most ? most : exponent < -most ? -most : exponent;
  return ldexp(1, -(int)exponent);
}

double ck_pow_scale(double code, double x, double y) { return power_scale(x, y, (int)code % 256, CK_NEAR_F64, 1000); }
float ck_pow_scalef(float code, float x, float y) {
  return (float)power_scale(x, y, (int)code % 256, CK_NEAR_F32, 120);
}

// x^(y - m) times a factor and a power of 2, without leaving the range of numbers in between and without the rounding
// of y - m, which ln x would multiply.
static double power_times(double x, double y, int m, double factor, double scale) {
  double z = pow(x, y), size = fabs(x);
  if (z != z) return z;  // a negative x to a broken power
  if (factor == 0) return 0;
  bool is_plain = fabs(z) > 0x1p-900 && fabs(z) < 0x1p900;
  if (scale != 1 || !is_plain || (m > 0 && !(size > 0x1p-900 && size < 0x1p900)) || m > 8) {
    double shifted = y - m, whole = shifted + m, lost = (y - whole) - (m - (whole - shifted));
    // No factor brings that back, nor may one out of range spoil it.
    if (shifted * log(size) < -20000) return 0;
    double power = pow(x, shifted), result = power * factor;
    if (scale != 1 || !(fabs(power) > 0x1p-900 && fabs(power) < 0x1p900)) {
      // The factor and the scale may bring back what the power alone cannot hold.
      double root = pow(size, shifted / 4);
      result = quotient_of(6, (double[]){root, root, root, root, factor, scale}, 1);
      if (signbit(power)) result = -result;
    }
    // What y - m has lost by rounding comes back as a factor.
    return lost != 0 && x > 0 && fabs(result) < INFINITY ? result + result * (lost * log(x)) : result;
  }
  z *= factor;
  for (int i = 0; i < m; i++) z /= x;
  return z;
}

// By Leibniz: the sum over j of C(n, j) (d/dy)^(n-j) [y (y - 1) … (y - m + 1)] (ln x)^j x^(y - m), times a power of 2.
// A term whose first factor is 0 is 0, whatever the power is.
static double pow_derivative(double code, double x, double y, double scale) {
  if (x != x || y != y) return NAN;
  if (!(code >= 0 && code < 256 * (MOST_ORDERS + 1)) || code != floor(code)) return NAN;
  int m = (int)code % 256, n = (int)code / 256;
  if (m + n > MOST_ORDERS || (x < 0 && n > 0)) return NAN;
  if (x == 0 && n > 0) x = 0;  // -0 has no logarithm of its own

  if (isinf(y)) {
    // x^y is 0 or infinite on the two sides of |x| = 1; at 1 itself, and for negative x, there is no limit.
    if (m + n == 0) return pow(x, y);
    if (fabs(x) == 1) return NAN;
    if ((fabs(x) < 1) == (y > 0)) return 0;
    return x < 0 ? NAN : y < 0 && (m + n) % 2 ? -INFINITY : INFINITY;
  }

  // c[k] is the k-th derivative of the falling factorial by y: products of the series y - i + t, then times k!.
  double c[MOST_ORDERS + 1] = {1};
  for (int i = 0; i < m; i++)
    for (int k = n < i + 1 ? n : i + 1; k >= 0; k--) c[k] = c[k] * (y - i) + (k > 0 ? c[k - 1] : 0);
  double weight = 1, binomial = 1, logarithm = x == 0 ? -INFINITY : log(x);
  for (int k = 2; k <= n; k++) c[k] *= weight *= k;

  // At 0 and at infinity the highest power of the logarithm decides.
  if (x == 0 || x == INFINITY) {
    if (n == 0) return power_times(x, y, m, c[0], 1);
    int j = n;
    while (j > 0 && c[n - j] == 0) j--;
    if (c[n - j] == 0) return 0;
    // The gradient in y is 0 along x = 0, also at y = 0, where it has no bound beside it: the convention of first
    // derivatives.
    if (x == 0 && m == 0 && n == 1 && y == 0) return 0;
    double power = pow(x, y - m);
    if (power == 0) return 0;
    double sign = c[n - j] < 0 ? -1 : 1;
    return j == 0 ? power * c[n] : sign * (j % 2 && x == 0 ? -1 : 1) * (power * INFINITY);
  }
  double sum = 0, power = 1;
  for (int j = 0; j <= n; j++) {
    if (power != 0) sum += binomial * c[n - j] * power;
    binomial = binomial * (n - j) / (j + 1);
    power *= logarithm;
  }
  return power_times(x, y, m, sum, scale);
}

double ck_pow_derivative(double code, double x, double y) { return pow_derivative(code, x, y, 1); }
double ck_scaled_pow_derivative(double code, double x, double y) {
  return pow_derivative(code, x, y, ck_pow_scale(code, x, y));
}
float ck_scaled_pow_derivativef(float code, float x, float y) {
  return (float)pow_derivative(code, x, y, ck_pow_scalef(code, x, y));
}
