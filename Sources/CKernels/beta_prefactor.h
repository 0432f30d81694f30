// The factor x^a y^b / B(a, b) of the incomplete beta function and its density, as a power series by a and b (DLMF
// 8.17).
#ifndef CKERNELS_BETA_PREFACTOR_H
#define CKERNELS_BETA_PREFACTOR_H

#include <math.h>
#include <string.h>

#include "families.h"
#include "jets.h"

#pragma STDC FP_CONTRACT OFF

// Power series in two variables, of a and of b: s[i][j] is the derivative over i! j!, up to the orders m and n.
enum { most = 5 };
typedef double series[most][most];

static void multiply(int m, int n, series z, series x, series y) {
  for (int i = m; i >= 0; i--)
    for (int j = n; j >= 0; j--) {
      double sum = 0;
      for (int p = 0; p <= i; p++)
        for (int q = 0; q <= j; q++) sum += x[p][q] * y[i - p][j - q];
      z[i][j] = sum;
    }
}

// z = x (c + u da + v db); z may be x.
static void multiply_linear(int m, int n, series z, series x, double c, double u, double v) {
  for (int i = m; i >= 0; i--)
    for (int j = n; j >= 0; j--)
      z[i][j] = x[i][j] * c + (i > 0 ? u * x[i - 1][j] : 0) + (j > 0 ? v * x[i][j - 1] : 0);
}

static double binomial(int n, int k) { return factorial(n) / factorial(k) / factorial(n - k); }

// The point, seen from the side whose tail is integrated: the lower one of (a, b, x), or of (b, a, 1 - x).
typedef struct {
  double a, b, x, y, log_x, log_y;
} point;

// x (a + b) - a, by whichever of x and y has not been rounded.
static double gap_of(const point *p) {
  double sum = p->a + p->b;
  return p->x > 0.5 ? fma(-p->y, sum, p->b) : fma(p->x, sum, -p->a);
}

// What a - k loses by rounding.
static double lost_shift(double a, int k) {
  double shifted = a - k, whole = shifted + k;
  return (a - whole) - (k - (whole - shifted));
}

// Which of the factors a, b and 1 / (a + b) of 1 / B(a, b) a prefactor lacks, and the powers x^-k y^-l that it has
// beside x^a y^b.
typedef struct {
  int over_a, over_b, is_bare, k, l;
  // Its series is without that of y^b.
  int is_without_y;
} factors;

// e^exponent scale x^-k y^-l times a factor. By division, as the rounding of k ln x would show, unless that leaves the
// range.
static double over_powers(const point *p, factors f, double exponent, double scale, double factor) {
  // No factor brings that back, nor may one out of range spoil it.
  if (exponent - (f.k * p->log_x + f.l * p->log_y) < -20000) return 0;
  double value = exp(exponent) * scale, least = 1e-290;
  for (int i = 0; i < f.k; i++) value /= p->x;
  for (int i = 0; i < f.l; i++) value /= p->y;
  if (exponent > -600 && value > least && value < INFINITY && scale > least) return value * factor;
  double half = exp((exponent - (f.k * p->log_x + f.l * p->log_y)) / 2);
  return quotient_of(4, (double[]){half, half, scale, factor}, 1);
}

// x^a y^b / B(a, b) times x^-k y^-l and a factor.
static double prefactor(const point *p, factors f, double factor) {
  double a = p->a, b = p->b;
  if (a >= 16 && b >= 16) {
    // e^(a (ln(1 + r) - r) + b (ln(1 + s) - s)) with 1 + r and 1 + s the ratios of x and y to the means a / (a + b), b
    // / (a + b).
    double gap = gap_of(p), r = gap / a, s = -gap / b;
    double left = fabs(r) < 0.9 ? ck_log1p_rest(r) : p->log_x - log(a / (a + b)) - r;
    double right = fabs(s) < 0.9 ? ck_log1p_rest(s) : p->log_y - log(b / (a + b)) - s;
    double exponent = a * left + b * right + (ck_stirling_tail(a + b) - ck_stirling_tail(a) - ck_stirling_tail(b));
    double scale = sqrt(a) / sqrt(a + b) * sqrt(b) / sqrt(2 * 3.14159265358979323846);
    return over_powers(p, f, exponent, scale, factor);
  }
  if (a < 16 && b < 16) {
    double sum = a + b, lost = (a - (sum - (sum - a))) + (b - (sum - a));
    double first = f.over_a ? 1 : a, second = f.over_b ? 1 : b, divisor = f.is_bare ? 1 : sum;
    // What the sum lacks counts by the slope of ln Γ, which is near ln(a + b + 1/2).
    double gammas = ck_reciprocal_gamma(a) / ck_reciprocal_gamma(sum) * ck_reciprocal_gamma(b);
    gammas *= 1 + lost * log(sum + 0.5);
    // One of x and y is rounded; what it lacks counts as often as its power. What the powers lack counts ln x times.
    double lost_x = p->x > p->y ? (1 - p->x) - p->y : 0, lost_y = p->x > p->y ? 0 : (1 - p->y) - p->x;
    gammas *= (1 + (a - f.k) * lost_x / p->x) * (1 + lost_shift(a, f.k) * p->log_x);
    gammas *= (1 + (b - f.l) * lost_y / p->y) * (1 + lost_shift(b, f.l) * p->log_y);
    double power_x = pow(p->x, a - f.k), powers = power_x * pow(p->y, b - f.l), ratio = first / divisor * second;
    double result = powers * (ratio * gammas) * factor, low = 1e-140, high = 1e140;
    if (power_x > low && power_x < high && powers > low && powers < high && ratio > low && ratio < high) return result;
    power_x = pow(p->x, (a - f.k) / 4);
    double power_y = pow(p->y, (b - f.l) / 4);
    double numbers[] = {power_x, power_x, power_x, power_x, power_y, power_y,
                        power_y, power_y, first,   second,  gammas,  factor};
    return quotient_of(12, numbers, divisor);
  }
  // Γ(a + b) / Γ(b) by Stirling's series where b alone is large, and so for a. With c the small one, d the large one
  // and q = d x / c: c^c e^-c / Γ(c) e^(c (ln q - q + 1) + d (ln y + x)) e^((c + d) (ln(1 + c/d) - c/d) + c²/d - ln(1 +
  // c/d) / 2 + …).
  int a_is_small = a < b;
  double c = a_is_small ? a : b, d = a_is_small ? b : a, x = a_is_small ? p->x : p->y;
  double log_x = a_is_small ? p->log_x : p->log_y, log_y = a_is_small ? p->log_y : p->log_x;
  double r = fma(x, d, -c) / c, ratio = c / d;
  double near = fabs(r) < 0.9 ? c * ck_log1p_rest(r) : c * (log_x + (log(d) - log(c))) - fma(x, d, -c);
  near += d * (x < 0.25 ? ck_log1p_rest(-x) : log_y + x);
  double rest = (c + d) * ck_log1p_rest(ratio) + c * ratio - 0.5 * log1p(ratio);
  rest += ck_stirling_tail(c + d) - ck_stirling_tail(d);
  double scale = pow(c, c) * exp(-c) * ck_reciprocal_gamma(c) * ((a_is_small ? f.over_a : f.over_b) ? 1 : c);
  return over_powers(p, f, near + rest, scale, factor);
}

// ζ(k, b) - ζ(k, a + b) for a > 0, b > 0, k >= 2, ζ being Hurwitz's, and for k = 1 its limit, digamma(a + b) -
// digamma(b): term by term, (1 - (1 + a/w)^-s) w^-s for each power, so that nothing cancels where a is small against
// b. By Euler and Maclaurin's formula (DLMF 25.11.28).
static double zeta_drop(int k, double b, double a) {
  double sum = 0, w = b;
  for (; w < 10 + k; w += 1) sum -= pow(w, -k) * expm1(-k * log1p(a / w));
  double grown = log1p(a / w), power = pow(w, -k), rising = k / w;
  double tail = (k == 1 ? w * grown : -w * expm1(-(k - 1) * grown) / (k - 1)) - 0.5 * expm1(-k * grown);
  for (int j = 0; j < 12; j++) {
    tail -= ck_bernoulli[j] * rising * expm1(-(k + 2 * j + 1) * grown);
    rising *= (k + 2 * j + 1) / w * ((k + 2 * j + 2) / w);
  }
  return sum + power * tail;
}

// ln x - digamma(a + 1) + digamma(a + b + 1), both by way of their logarithms, which hardly differ where that is near
// 0.
static double slope_of_log(const point *p, int of_b, int without_log) {
  double a = of_b ? p->b : p->a, b = of_b ? p->a : p->b, y = of_b ? p->x : p->y, log_x = of_b ? p->log_y : p->log_x;
  // Of a small b the difference is small itself.
  if (b < 1 && (without_log || b < 0.1)) return (without_log ? 0 : log_x) + zeta_drop(1, a + 1, b);
  // x (a + b + 1/2) - (a + 1/2), of which the halves are not lost for large a.
  double gap = of_b ? -gap_of(p) : gap_of(p), w = a + 0.5, r = (gap - 0.5 * y) / w;
  double ratio = fabs(r) < 0.5 ? log1p(r) : log_x + (log(a + b + 0.5) - log(w));
  return ratio - ck_digamma_rest(a) + ck_digamma_rest(a + b) - (without_log ? log_x : 0);
}

// The same without the last 1 / (a + b): ln x - digamma(a + 1) + digamma(a + b), for a < 1.
static double slope_over_a(const point *p, int of_b, int without_log) {
  double a = of_b ? p->b : p->a, b = of_b ? p->a : p->b, log_x = of_b ? p->log_y : p->log_x;
  if (b >= 1 && b < 10) return (without_log ? 0 : log_x) + zeta_drop(1, a + 1, b - 1);
  return slope_of_log(p, of_b, without_log) - 1 / (a + b);
}

// (-1)^k / k times ζ(k, a + b) - ζ(k, a + shift), for shift 0 or 1: what the logarithm's series has for the k-th power
// of a.
static double log_coefficient(int k, double a, double b, int shift) {
  double drop = !shift ? zeta_drop(k, a, b) : b < 1 ? -zeta_drop(k, a + b, 1 - b) : zeta_drop(k, a + 1, b - 1);
  return (k % 2 ? drop : -drop) / k;
}

// The series of what of a b / (a + b) a bare prefactor lacks: of each derivative the sum cancels nowhere but at its
// zeros. For small a and b these are the largest terms of all.
static void ratio_series(int m, int n, series z, const point *p, factors f) {
  double sum = p->a + p->b, x = p->a / sum, y = p->b / sum;
  for (int i = 0; i <= m; i++)
    for (int j = 0; j <= n; j++) {
      // x and y over the sum, as often as their derivative brings it.
      int order = i + j, is_whole = f.over_a && f.over_b && f.k + f.l > 0;
      double sign = order % 2 ? -1 : 1, by_x = sign * x, by_y = sign * y;
      for (int k = is_whole ? 1 : 0; k < order; k++) {
        by_x /= sum;
        by_y /= sum;
      }
      double below = order > 0 && i > 0 ? binomial(order - 1, i - 1) : 0;
      double above = order > 0 && j > 0 ? binomial(order - 1, i) : 0;
      if (!is_whole) {
        double value = (below > 0 ? by_y * below : 0) - (above > 0 ? by_x * above : 0);
        z[i][j] = order == 0 ? (f.over_b ? y : x) : f.over_b ? value : -value;
      } else if (order < 2) {
        z[i][j] = order == 0 ? fmin(p->a, p->b) * fmax(x, y) : i > 0 ? y * y : x * x;
      } else {
        z[i][j] = i > 0 && j > 0 ? 2 * x * by_y * binomial(order - 2, i - 1) : 0;
        if (j > 1) z[i][j] -= x * by_x * binomial(order - 2, i);
        if (i > 1) z[i][j] -= y * by_y * binomial(order - 2, i - 2);
      }
    }
}

// The series of the prefactor over its value where one of a and b is a small whole number and only the other one, c,
// varies: 1 / B(a, b) is c (c + 1) … (c + a - 1) over a factorial, whose higher derivatives are 0. Returns false
// elsewhere.
static int polynomial_series(int m, int n, series z, const point *p, factors f) {
  enum { largest = 8 };
  double whole = m == 0 ? p->a : p->b, c = m == 0 ? p->b : p->a, log_x = m == 0 ? p->log_y : p->log_x;
  if ((m > 0 && n > 0) || f.is_bare || whole != floor(whole) || whole > largest) return 0;
  if (m == 0 && f.is_without_y) log_x = 0;
  memset(z, 0, sizeof(series));
  double term = 1;
  for (int k = 0; k <= m + n; k++) {
    z[m > 0 ? k : 0][m > 0 ? 0 : k] = term;
    term *= log_x / (k + 1);
  }
  for (int i = (m == 0 ? f.over_b : f.over_a) ? 1 : 0; i < (int)whole; i++)
    multiply_linear(m, n, z, z, 1, m > 0 ? 1 / (c + i) : 0, m > 0 ? 0 : 1 / (c + i));
  return 1;
}

// The series of the prefactor over its value, as e to the series of its logarithm. `over_a` and `over_b` are 1 for the
// prefactor over a or b, whose series stays finite where that is small; `ratio_series` is a factor of a bare one's.
static void prefactor_series(int m, int n, series z, const point *p, factors f) {
  if (polynomial_series(m, n, z, p, f)) return;
  double a = p->a, b = p->b, sum = a + b, both[ck_jet_size];
  series log_of = {{0}};
  int order = m + n;
  for (int k = 2; k <= order; k++) both[k] = ck_polygamma(k - 1, f.is_bare ? sum + 1 : sum) / factorial(k);
  for (int i = 1; i <= m; i++)
    for (int j = 1; j <= n; j++) log_of[i][j] = both[i + j] * factorial(i + j) / factorial(i) / factorial(j);
  if (f.is_bare) {
    if (m > 0) log_of[1][0] = slope_of_log(p, 0, 0);
    if (n > 0) log_of[0][1] = slope_of_log(p, 1, f.is_without_y);
    for (int k = 2; k <= m; k++) log_of[k][0] = (k % 2 ? 1 : -1) * zeta_drop(k, a + 1, b) / k;
    for (int k = 2; k <= n; k++) log_of[0][k] = (k % 2 ? 1 : -1) * zeta_drop(k, b + 1, a) / k;
  } else {
    if (m > 0) log_of[1][0] = f.over_a ? slope_over_a(p, 0, 0) : slope_of_log(p, 0, 0) + b / sum / a;
    if (n > 0)
      log_of[0][1] = (f.over_b ? slope_over_a : slope_of_log)(p, 1, f.is_without_y) + (f.over_b ? 0 : a / sum / b);
    for (int k = 2; k <= m; k++) log_of[k][0] = log_coefficient(k, a, b, f.over_a);
    for (int k = 2; k <= n; k++) log_of[0][k] = log_coefficient(k, b, a, f.over_b);
  }

  // i z[i][j] is the sum of p log[p][q] z[i - p][j - q]; where i is 0, the same by j.
  z[0][0] = 1;
  for (int i = 0; i <= m; i++)
    for (int j = i == 0; j <= n; j++) {
      double total = 0;
      for (int q = 0; q <= i; q++)
        for (int r = q == 0; r <= j; r++) total += (i > 0 ? q : r) * log_of[q][r] * z[i - q][j - r];
      z[i][j] = total / (i > 0 ? i : j);
    }
  if (!f.is_bare) return;
  series ratio;
  ratio_series(m, n, ratio, p, f);
  multiply(m, n, z, z, ratio);
}

#endif
