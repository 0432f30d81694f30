// The regularised incomplete gamma functions P(a, x) and Q(a, x) = 1 - P(a, x) with their derivatives by both operands
// (DLMF 8.2).
#include <math.h>

#include "families.h"
#include "jets.h"
#include "quadrature.h"

#pragma STDC FP_CONTRACT OFF

static const double pi = 3.14159265358979323846;

// (1 / Γ(1 + a) - 1) / a for a in [0, 1], the Taylor series at 1/2 of an entire function
// (scripts/check-special-families.py --coefficients). Near 0 it keeps what 1 / Γ(1 + a) loses.
static double reciprocal_gamma_slope(double a) {
  static const double coefficients[] = {
    0.2567583341910252, -0.5958657212726165, 0.13842257149414403, 0.07335890909958105, -0.044784097703749935,
    0.005257856670428675, 0.002710082312790904, -0.0011787017404359312, 0.00013594297168208083,
    3.282929817079208e-05, -1.4948186493955824e-05, 2.1027615520841344e-06, 1.068834768600763e-07,
    -9.788167263909913e-08, 1.749232291197595e-08, -7.777069921211559e-10, -3.073233048060684e-10,
    7.855178894220425e-11, -7.924933218081987e-12, -1.7574768666546297e-13, 1.8384851266188882e-13,
    -2.877020723736721e-14, 1.7889010604829234e-15};
  enum { count = sizeof coefficients / sizeof *coefficients };
  double t = a - 0.5, sum = coefficients[count - 1];
  for (int i = count - 2; i >= 0; i--) sum = sum * t + coefficients[i];
  return sum;
}

// 1 / Γ(1 + a), 0 <= a < 32: down to [0, 1) by the recurrence. Each factor is exact, and what their product loses is
// made good.
double ck_reciprocal_gamma(double a) {
  double product = 1, lost = 0;
  while (a >= 1) {
    double next = product * a;
    lost += fma(product, a, -next) / next;
    product = next;
    a -= 1;
  }
  return (1 + a * reciprocal_gamma_slope(a)) / product * (1 - lost);
}

// The sum of Stirling's series (DLMF 5.11.1), a >= 16: ln Γ(a) - (a - 1/2) ln a + a - ln(2 pi) / 2.
double ck_stirling_tail(double a) {
  double z = 1 / a / a;
  double tail = 1.0 / 1680 - z * (1.0 / 1188 - z * (691.0 / 360360));
  return (1.0 / 12 - z * (1.0 / 360 - z * (1.0 / 1260 - z * tail))) / a;
}

// digamma(a + 1) - ln(a + 1/2): by Stirling's series in w = a + 1/2 from 10 on (DLMF 5.11.2, 24.4.27); below by the
// recurrence, whose steps ln((w + 1) / w) - 1 / (a + 1) = 2 (y³/3 + y⁵/5 + …), y = 1 / (2 (a + 1)), are positive.
double ck_digamma_rest(double a) {
  double sum = 0;
  for (; a < 10; a += 1) {
    double y = 0.5 / (a + 1), square = y * y, series = 0;
    for (int k = a < 1 ? 25 : a < 3 ? 12 : 7; k >= 1; k--) series = series * square + 1.0 / (2 * k + 1);
    sum += 2 * y * square * series;
  }
  double w = a + 0.5, z = 1 / w / w;
  double tail = 127.0 / 30720 - z * (511.0 / 67584 - z * (1414477.0 / 67092480));
  return sum + z * (1.0 / 24 - z * (7.0 / 960 - z * (31.0 / 8064 - z * tail)));
}

// ln(x / y), also where the quotient underflows.
static double log_ratio(double x, double y) {
  double ratio = x / y;
  return ratio > 1e-290 && ratio < INFINITY ? log(ratio) : log(x) - log(y);
}

// ln(1 + r) - r, exact near 0: with t = r / (2 + r) it is 2 artanh(t) - r = -r t + 2 (t³/3 + t⁵/5 + …).
double ck_log1p_rest(double r) {
  if (!(fabs(r) < 0.25)) return log1p(r) - r;
  double t = r / (2 + r), square = t * t, series = 0;
  for (int k = 9; k >= 1; k--) series = series * square + 1.0 / (2 * k + 1);
  return t * (2 * square * series - r);
}

// x^(a - n) e^-x / Γ(a + 1) times two factors, x > 0.
static double prefactor(double a, double x, int n, double factor, double other) {
  if (a < 16) {
    if (x > 2000) return 0;
    double whole_power = pow(x, a), power = whole_power;
    for (int k = 0; k < n; k++) power /= x;
    // A subnormal number has lost bits that no division brings back.
    if (x < 700 && power < 1e290 && power > 1e-290 && whole_power > 1e-290)
      return power * exp(-x) * ck_reciprocal_gamma(a) * factor * other;
    // In parts, so that no power leaves the range before the product does. What a - n lacks counts ln x times.
    double half = exp(-x / 2), shifted = a - n, whole = shifted + n;
    double lost = (a - whole) - (n - (whole - shifted));
    power = pow(x, shifted / 4);
    factor *= ck_reciprocal_gamma(a) * (1 + lost * log(x));
    return quotient_of(8, (double[]){power, power, power, power, half, half, factor, other}, 1);
  }
  // e^(-a (m - 1 - ln m)), m = x / a.
  double r = (x - a) / a;
  double exponent = fabs(r) < 0.9 ? a * ck_log1p_rest(r) : a * log_ratio(x, a) - (x - a);
  // No factor brings that back, nor may one out of range spoil it.
  if (exponent < -20000) return 0;
  double scale = quotient_of(3, (double[]){factor, other, 1 / sqrt(2 * pi) / sqrt(a)}, 1), power = pow(x, -n);
  if (power > 1e-290 && power < INFINITY && exponent > -600) return exp(exponent - ck_stirling_tail(a)) * scale * power;
  return exp(exponent - ck_stirling_tail(a) - n * log(x)) * scale;
}

// The jet of that by a, over its value, in the variable t / unit.
static void prefactor_jet(int order, double *jet, double a, double x, double unit) {
  double logarithm[ck_jet_size] = {0};
  if (order >= 1) {
    // x - w, of which the half is not lost for large a.
    double w = a + 0.5, r = ((x - a) - 0.5) / w;
    logarithm[1] = (fabs(r) < 0.5 ? log1p(r) : log_ratio(x, w)) - ck_digamma_rest(a);
  }
  for (int k = 2; k <= order; k++) logarithm[k] = -ck_polygamma(k - 1, a + 1) / factorial(k);
  for (int k = 1; k <= order; k++)
    for (int i = 0; i < k; i++) logarithm[k] /= unit;
  jet_exp(order, jet, logarithm);
}

// u - 1 + e^-u, exact near 0.
static double decay_rest(double u) {
  if (fabs(u) > 0.5) return u + expm1(-u);
  // u²/2 (1 - u/3 (1 - u/4 (1 - …)))
  double sum = 1;
  for (int k = 15; k >= 3; k--) sum = 1 - u / k * sum;
  return u * u / 2 * sum;
}

// The moments of u of the integral over u > 0 of e^(-(a - x) u - x (u - 1 + e^-u)): with the weight 1 it is the lower
// incomplete function over x^a e^-x, by t = x e^-u, x <= a. With the sign -1 that of e^(-(x - a) u - x (e^u - 1 - u)),
// the upper one by t = x e^u, x >= a. The moments are those of u / unit; returns the unit, a power of two near the u
// that counts, whose powers could underflow.
static double moments(int order, double *sums, double a, double x, int sign) {
  const double depth = 44 + 3 * order;
  double slope = sign * (a - x);
  // Where the exponent, which is concave, has come down by `depth`: from the quadratic of its first two terms by
  // Newton's steps.
  double end = 2 * depth / (slope + hypot(slope, sqrt(2 * depth) * sqrt(x)));
  for (int i = 0; i < 20; i++) {
    double fallen = slope * end + x * decay_rest(sign * end), rate = slope - sign * x * expm1(-sign * end);
    if (!(rate > 0) || fabs(fallen - depth) < 2) break;
    end += (depth - fallen) / rate;
  }
  double unit = order > 0 ? ldexp(1, ilogb(end)) : 1;
  for (int k = 0; k <= order; k++) sums[k] = 0;
  // Panels grow to the right, where little is left.
  static const double bounds[] = {0, 0.1, 0.25, 0.5, 1};
  enum { panels = sizeof bounds / sizeof *bounds - 1 };
  for (int panel = panels - 1; panel >= 0; panel--) {
    double from = bounds[panel] * end, half = (bounds[panel + 1] - bounds[panel]) * end / 2;
    for (int i = 0; i < ck_rule_points; i++) {
      double u = rule_point(i, from, half);
      double term = ck_rule_weights[i / 2] * half * exp(-slope * u - x * decay_rest(sign * u));
      for (int k = 0; k <= order; k++) {
        sums[k] += term;
        term *= u / unit;
      }
    }
  }
  return unit;
}

// The jet by a of the lower function over the prefactor: 1 + x / (a + 1) + x² / ((a + 1)(a + 2)) + … (DLMF 8.7.1).
static void series_jet(int order, double *sum, double a, double x) {
  double term[ck_jet_size] = {1};
  for (int k = 0; k <= order; k++) sum[k] = term[k];
  for (int i = 1; i < 400; i++) {
    jet_divide_linear(order, term, term, a + i);
    for (int k = 0; k <= order; k++) sum[k] += term[k] *= x;
    if (term[0] < 1e-18 * sum[0] && i > 2 * order) break;
  }
}

// Values ----------------------------------------------------------------------------------------------------

// Whether the bounds or a NaN decide; then the value is in `p`.
static int is_bound(double a, double x, double *p) {
  *p = NAN;
  if (!(a >= 0 && x >= 0)) return 1;
  if (a == 0 || a == INFINITY || x == 0 || x == INFINITY) {
    // At two corners of the domain there is no limit.
    if ((a == 0 && x == 0) || (a == INFINITY && x == INFINITY)) return 1;
    *p = a == 0 || x == INFINITY ? 1 : 0;
    return 1;
  }
  return 0;
}

// P where this is true, else Q: what is computed, the other being 1 less it.
static int is_lower(double a, double x) { return x <= 1 || x < a; }

// The upper function over x^a e^-x by its continued fraction (DLMF 8.9.2), x > 1 and x > a + 1, a < 100. From the far
// end, so that roundings are damped; the number of steps was found by running it forwards until nothing changed.
static double upper_fraction(double a, double x) {
  int count = (int)(8 + 104 / x + 3.5 * sqrt(a));
  double value = x + 1 - a + 2 * count;
  for (int k = count; k >= 1; k--) value = (x - 1 - a + 2 * k) - k * (k - a) / value;
  return 1 / value;
}

static double lower_or_upper(double a, double x) {
  double value;
  if (x <= 1 || (x < a && (a < 100 || x < 0.7 * a))) {
    series_jet(0, &value, a, x);
    return value * prefactor(a, x, 0, 1, 1);
  }
  if (x > a + 1 && a < 100) {
    value = upper_fraction(a, x);
  } else {
    moments(0, &value, a, x, x < a ? 1 : -1);
  }
  return value * a * prefactor(a, x, 0, 1, 1);
}

// Q for a < 1, x <= 1, where it may be small: x^a / Γ(1 + a) = 1 + d, and P = (1 + d)(1 + a s), s being the sum of
// (-x)^k / (k! (a + k)) over k >= 1 (DLMF 8.7.3).
static double small_upper(double a, double x) {
  double excess = a * reciprocal_gamma_slope(a), d = expm1(a * log(x)) * (1 + excess) + excess, power = 1, s = 0;
  for (int k = 1; k < 30; k++) {
    power *= -x / k;
    s += power / (a + k);
    if (fabs(power) < 1e-18) break;
  }
  return -(d + a * s * (1 + d));
}

double ck_gammainc(double a, double x) {
  double p;
  if (is_bound(a, x, &p)) return p;
  double value = lower_or_upper(a, x);
  if (!is_lower(a, x)) return 1 - value;
  // Not above 1, which the series may reach by rounding.
  return value < 0.7 || a >= 1 ? value : 1 - small_upper(a, x);
}

double ck_gammaincc(double a, double x) {
  double p;
  if (is_bound(a, x, &p)) return 1 - p;
  double value = lower_or_upper(a, x);
  if (!is_lower(a, x)) return value;
  return value < 0.7 || a >= 1 ? 1 - value : small_upper(a, x);
}

// Derivatives -----------------------------------------------------------------------------------------------

// At x = 0, n >= 1: the limit from the right of the m-th derivative by a of x^(a - n) (a - 1) … (a - n + 1) / Γ(a).
static double derivative_at_zero(double a, int m, int n) {
  if (a > n) return 0;
  if (m == 0 && a == floor(a)) {
    // The coefficient of x^(n - a) of e^-x, differentiated: (-1)^(n - a) (n - 1)! / ((a - 1)! (n - a)!).
    double value = 1;
    for (int k = 1; k <= n - (int)a; k++) value *= -(n - k) / (double)k;
    return a == 0 ? 0 : value;
  }
  double sign = m % 2 ? -1 : 1;
  for (int k = 1; k < n; k++) sign *= a - k < 0 ? -1 : 1;
  return sign * INFINITY;
}

// The n-th derivative over the prefactor, as a jet by a, for x >= 0.5: by e[1] = a / x, x e[k+2] = (a - 1 - k - x)
// e[k+1] - k e[k], from differentiating x d' = (a - 1 - x) d k times, d being the density.
static void slope_jet(int m, int n, double *e, double a, double x) {
  double before[ck_jet_size] = {0};
  for (int j = 0; j <= m; j++) e[j] /= x;
  for (int k = 0; k + 1 < n; k++) {
    double next[ck_jet_size];
    jet_multiply_linear(m, next, e, a - x - (1 + k));
    for (int j = 0; j <= m; j++) {
      next[j] = (next[j] - k * before[j]) / x;
      before[j] = e[j];
      e[j] = next[j];
    }
  }
}

// x^k times that, beside 0; returns k. It is n, unless a power of x vanishes with all its derivatives.
static int slope_jet_near_zero(int m, int n, double *e, double a, double x) {
  // By Leibniz: the sum over i of C(n-1, i) (a-1) … (a-i) (-x)^(n-1-i). What a factor 0 makes vanish must not be
  // rounded, as the power of x that it stands at is the largest.
  int count = m == 0 && a >= 1 && a < n && a == floor(a) ? (int)a : n;
  double term[ck_jet_size], sum[ck_jet_size] = {0}, binomial = (n - count) % 2 ? -1 : 1;
  for (int j = 0; j <= m; j++) term[j] = e[j];
  for (int i = 0; i < count; i++) {
    double weight = binomial;
    for (int k = 0; k < count - 1 - i; k++) weight *= -x;
    for (int j = 0; j <= m; j++) sum[j] += weight * term[j];
    jet_multiply_linear(m, term, term, a - (i + 1));
    binomial = binomial * (n - 1 - i) / (i + 1);
  }
  for (int j = 0; j <= m; j++) e[j] = sum[j];
  return count;
}

double ck_gammainc_partial(double code, double a, double x) {
  int m, n;
  if (!ck_decode(code, &m, &n) || !(a >= 0 && x >= 0)) return NAN;
  if (m + n == 0) return ck_gammainc(a, x);
  if (m > ck_jet_order || n > ck_max_order || (a == INFINITY && x == INFINITY) || (a == 0 && x == 0)) return NAN;
  if (x == INFINITY || a == INFINITY) return 0;
  if (x == 0) return n == 0 ? 0 : derivative_at_zero(a, m, n);

  double jet[ck_jet_size], factor[ck_jet_size];
  if (n > 0) {
    prefactor_jet(m, factor, a, x, 1);
    // A small a is a factor of its own, whose bits no product in between may lose.
    double e[ck_jet_size] = {m == 0 ? 1 : a, 1};
    int power = 0;
    if (x < 0.5) {
      power = slope_jet_near_zero(m, n, e, a, x);
    } else {
      slope_jet(m, n, e, a, x);
    }
    jet_multiply(m, jet, e, factor);
    return prefactor(a, x, power, factorial(m) * jet[m], m == 0 ? a : 1);
  }
  double sums[ck_jet_size];
  if (x <= (x < a ? 1 : 0.3)) {
    series_jet(m, sums, a, x);
    prefactor_jet(m, factor, a, x, 1);
    jet_multiply(m, jet, sums, factor);
    return prefactor(a, x, 0, factorial(m) * jet[m], 1);
  }
  int sign = x < a ? 1 : -1;
  double unit = moments(m, sums, a, x, sign), scale = 1;
  for (int k = 1; k <= m; k++) {
    scale *= -sign / (double)k;
    sums[k] *= scale;
  }
  for (int k = m; k >= 0; k--) sums[k] = sums[k] * a + (k > 0 ? sums[k - 1] / unit : 0);
  prefactor_jet(m, factor, a, x, unit);
  jet_multiply(m, jet, sums, factor);
  double result = prefactor(a, x, 0, sign * factorial(m) * jet[m], 1);
  for (int k = 0; k < m; k++) result *= unit;
  return result;
}
