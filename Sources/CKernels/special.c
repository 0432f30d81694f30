// Special functions of one point. Written from the formulas named at each function; the measured errors are in
// special.h.
#define _DEFAULT_SOURCE  // lgamma_r
#include "families.h"

#include <math.h>

#pragma STDC FP_CONTRACT OFF

static const double pi = 3.14159265358979323846;
static const double ln2 = 0.69314718055994530942;

// x[0] + x[1] t + … by Horner's rule.
static double polynomial(const double *coefficients, int count, double t) {
  double sum = coefficients[count - 1];
  for (int i = count - 2; i >= 0; i--) sum = sum * t + coefficients[i];
  return sum;
}

// The gamma function's logarithm and its derivatives ------------------------------------------------------------------

// lgamma itself writes the global signgam, a race between threads.
double ck_lgamma(double x) {
  int sign;
  return lgamma_r(x, &sign);
}

// digamma(1 + y) for y in [0, 1]. The positive root is a factor, in two parts, so that the relative error stays small
// beside it:
// (y - root) times the Chebyshev interpolant of digamma(1 + y) / (y - root), in powers of y - 1/2; relative error
// 3e-18.
static double digamma_one_plus(double y) {
  static const double root_high = 0.46163214496836236, root_low = -1.5522348162858677e-17;
  static const double coefficients[] = {
      0.9510558760318328,    -0.4236274212814606,     0.24054248424078697,    -0.14840492305388092,
      0.09498872445289039,   -0.06192213327548831,    0.040760833940846085,   -0.026975796659787055,
      0.017907248317313294,  -0.011908220105959716,   0.007927021796868154,   -0.005279937255532708,
      0.003518106563802472,  -0.0023454947397380833,  0.0015633696313653504,  -0.0010364584817312839,
      0.0006909255761282986, -0.00048595039220036254, 0.00032395945401345196, -0.00014480643368061614,
      9.653646261410062e-05, -0.0001782188548855923,  0.00011881232908510335};
  return ((y - root_high) - root_low) * polynomial(coefficients, sizeof coefficients / sizeof *coefficients, y - 0.5);
}

// x > 0.
static double digamma_positive(double x) {
  if (x < 1) return digamma_one_plus(x) - 1 / x;
  // From 10 on, Stirling's series (DLMF 5.11.2): the coefficients are B(2k) / 2k.
  if (x >= 10) {
    static const double coefficients[] = {1.0 / 12,  -1.0 / 120,     1.0 / 252, -1.0 / 240,
                                          1.0 / 132, -691.0 / 32760, 1.0 / 12,  -3617.0 / 8160};
    double z = 1 / x / x;
    return log(x) - (0.5 / x + z * polynomial(coefficients, sizeof coefficients / sizeof *coefficients, z));
  }
  // Down to (1, 2] by the recurrence (DLMF 5.5.2); x - 1 is exact.
  double sum = 0;
  while (x > 2) {
    x -= 1;
    sum += 1 / x;
  }
  return digamma_one_plus(x - 1) + sum;
}

// cot(pi x), x not an integer; exact reduction keeps the relative error small at the poles and at the zeros.
static double cotangent_pi(double x) {
  double r = x - rint(x), a = fabs(r);
  return copysign(a <= 0.25 ? 1 / tan(pi * a) : tan(pi * (0.5 - a)), r);
}

double ck_digamma(double x) {
  if (x > 0) return digamma_positive(x);
  if (x == 0) return copysign(INFINITY, -x);
  if (!(x > -INFINITY) || x == floor(x)) return NAN;
  // Reflection (DLMF 5.5.4): digamma(1 - x) - pi cot(pi x); 1 - x itself would round.
  double y = -x;
  double reflected = y <= 1 ? digamma_one_plus(y) : digamma_positive(y) + 1 / y;
  return reflected - pi * cotangent_pi(x);
}

// u^-s, quickly where the orders 1 and 2 of polygamma ask for it. u * u could lose bits by underflow where its
// reciprocal does not.
static double inverse_power(double u, int s) {
  double inverse = 1 / u;
  return s == 2 ? inverse * inverse : s == 3 ? inverse * inverse * inverse : pow(u, -s);
}

const double ck_bernoulli[12] = {0.08333333333333333,    -0.001388888888888889,   3.306878306878307e-05,
                                 -8.267195767195768e-07, 2.08767569878681e-08,    -5.284190138687493e-10,
                                 1.3382536530684679e-11, -3.3896802963225827e-13, 8.586062056277845e-15,
                                 -2.174868698558062e-16, 5.5090028283602295e-18,  -1.3954464685812522e-19};

// n! zeta(n + 1, x), x > 0, 1 <= n <= 100, zeta that of Hurwitz: the sum over k >= 0 of (x + k)^-s, s = n + 1, by
// Euler-Maclaurin's formula (DLMF 25.11.28): the terms up to w = x + N, then w^-s (w / (s - 1) + 1/2 + sum of B(2j) /
// (2j)! s (s+1) … (s+2j-2) w^(1-2j)).
static double scaled_hurwitz_zeta(int n, double x) {
  int s = n + 1;
  double factorial = 1;
  for (int i = 2; i <= n; i++) factorial *= i;

  // n! is large where x^-s is small: above 1, x is scaled to [1, 2), and the power of two waits for the end. Below 1
  // the result overflows whenever x^-s does.
  int exponent = x > 1 ? ilogb(x) : 0;
  double scale = ldexp(1, -exponent);
  double sum = 0, lost = 0, tail = 0;
  for (int k = 0;; k++) {
    double w = x + k, rounding = (x - (w - (w - x))) + (k - (w - x));
    // To the power s, the rounding of x + k would count s times.
    double power = inverse_power(w * scale, s) * (1 - s * rounding / w);
    if (w >= 10 + s) {
      double rising = s / w, series = 0.5;
      // With w >= 10 + s the first term left out is below 1e-20 of the sum.
      for (int j = 0; j < 12; j++) {
        series += ck_bernoulli[j] * rising;
        rising *= (s + 2 * j + 1) / w * ((s + 2 * j + 2) / w);
      }
      tail = power * (w * scale / n + series * scale);
      break;
    }
    power *= scale;
    if (power < sum * 0x1p-60) break;  // and all that follow
    // Terms descend, so what a sum loses is found by subtracting back; an infinite first term loses nothing.
    double next = sum + power;
    if (k > 0) lost += power - (next - sum);
    sum = next;
  }
  return ldexp(factorial * (sum + (lost + tail)), -exponent * n);
}

// The n-th derivative of cot(pi x) over (-pi)^n: a polynomial in c = cot(pi x), by Q(n+1) = (1 + c^2) dQ(n)/dc from
// Q(0) = c. Its coefficients are never negative and its powers all even or all odd, so nothing cancels.
static double cotangent_derivative(int n, double c) {
  double q[103] = {0};
  q[1] = 1;
  // Step m reads the powers of one parity and writes those of the other.
  for (int m = 1; m <= n; m++)
    for (int p = (m + 1) % 2; p <= m + 1; p += 2) q[p] = (p + 1) * q[p + 1] + (p > 0 ? (p - 1) * q[p - 1] : 0);
  double sum = q[n + 1];
  for (int p = n - 1; p >= 0; p -= 2) sum = sum * (c * c) + q[p];
  return n % 2 ? sum : sum * c;
}

// DLMF 5.15: (-1)^(n+1) n! zeta(n + 1, x), and for negative x the n-th derivative of digamma's reflection.
double ck_polygamma(double order, double x) {
  if (!(order >= 0 && order <= 100) || order != floor(order) || x != x) return NAN;
  int n = (int)order;
  if (n == 0) return ck_digamma(x);
  double sign = n % 2 ? 1 : -1;
  if (x == INFINITY) return sign * 0.0;
  if (x > 0) return sign * scaled_hurwitz_zeta(n, x);
  if (x == -INFINITY) return NAN;
  // For even n the two sides of a pole differ; those of 0 can be told apart.
  if (x == floor(x)) return n % 2 ? INFINITY : x == 0 ? copysign(INFINITY, -x) : NAN;
  double pole = pow(pi, n + 1) * cotangent_derivative(n, cotangent_pi(x));
  return sign * pole - scaled_hurwitz_zeta(n, 1 - x);
}

// Logarithms of sums --------------------------------------------------------------------------------------------------

// Exponentials of negative numbers only: they cannot overflow, and where they underflow so does the result.
double ck_softplus(double x) { return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }
double ck_log_sigmoid(double x) { return x < 0 ? x - log1p(exp(x)) : -log1p(exp(-x)); }

double ck_logaddexp(double x, double y) {
  if (x == y) return x + ln2;  // equal infinities too, whose difference is NaN
  double high = x > y ? x : y, low = x > y ? y : x, d = low - high, e = exp(d);
  if (!(e > 0)) return high + e;  // nothing to add, or NaN
  // The rounding of the difference, which is found exactly, is a factor.
  double shift = d - low, rounding = (low - (d - shift)) - (high + shift);
  return high + log1p(e + e * rounding);
}

double ck_xlogy(double x, double y) { return x == 0 && y == y ? 0 : x * log(y); }

// Python's float %: fmod is exact, and what has the wrong sign moves by one divisor, with one rounding. Zero takes the
// divisor's sign.
double ck_remainder(double x, double y) {
  double r = fmod(x, y);
  if (r == 0) return copysign(0, y);
  return (r < 0) != (y < 0) ? r + y : r;
}

// Float ---------------------------------------------------------------------------------------------------------------

// Through double, rounded once, so that the errors in double do not show.
float ck_erfinvf(float x) { return (float)ck_erfinv(x); }
float ck_lgammaf(float x) { return (float)ck_lgamma(x); }
float ck_digammaf(float x) { return (float)ck_digamma(x); }
float ck_polygammaf(float n, float x) { return (float)ck_polygamma(n, x); }
float ck_softplusf(float x) { return (float)ck_softplus(x); }
float ck_log_sigmoidf(float x) { return (float)ck_log_sigmoid(x); }
float ck_logaddexpf(float x, float y) { return (float)ck_logaddexp(x, y); }
float ck_xlogyf(float x, float y) { return (float)ck_xlogy(x, y); }

// In float, where fmod is exact as well: a sum rounded to double first would be rounded twice.
float ck_remainderf(float x, float y) {
  float r = fmodf(x, y);
  if (r == 0) return copysignf(0, y);
  return (r < 0) != (y < 0) ? r + y : r;
}
