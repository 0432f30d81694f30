// The regularised incomplete beta function I(a, b, x) with its derivatives by all three operands (DLMF 8.17).
#include <math.h>
#include <string.h>

#include "families.h"
#include "jets.h"
#include "quadrature.h"

#pragma STDC FP_CONTRACT OFF

static const double pi = 3.14159265358979323846;

const uint8_t ck_betainc_orders[CK_BETAINC_COUNT][3] = {
    {0, 0, 0}, {0, 0, 1}, {0, 1, 0}, {1, 0, 0}, {0, 0, 2}, {0, 1, 1}, {0, 2, 0}, {1, 0, 1}, {1, 1, 0},
    {2, 0, 0}, {0, 0, 3}, {0, 1, 2}, {0, 2, 1}, {0, 3, 0}, {1, 0, 2}, {1, 1, 1}, {1, 2, 0}, {2, 0, 1},
    {2, 1, 0}, {3, 0, 0}, {0, 0, 4}, {0, 1, 3}, {0, 2, 2}, {0, 3, 1}, {0, 4, 0}, {1, 0, 3}, {1, 1, 2},
    {1, 2, 1}, {1, 3, 0}, {2, 0, 2}, {2, 1, 1}, {2, 2, 0}, {3, 0, 1}, {3, 1, 0}, {4, 0, 0}};

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

// The point, seen from the side whose tail is integrated: the lower one of (a, b, x), or of (b, a, 1 - x).
typedef struct {
  double a, b, x, y, log_x, log_y;
} point;

// x (a + b) - a, by whichever of x and y has not been rounded.
static double gap_of(const point *p) {
  double sum = p->a + p->b;
  return p->x > 0.5 ? fma(-p->y, sum, p->b) : fma(p->x, sum, -p->a);
}

// x^(a - k): what the difference loses counts ln x times.
static double shifted_power(double x, double a, int k, double log_x) {
  double shifted = a - k, whole = shifted + k, lost = (a - whole) - (k - (whole - shifted));
  double power = pow(x, shifted);
  return lost == 0 ? power : power * (1 + lost * log_x);
}

// e^exponent scale x^-k y^-k. By division, as the rounding of k ln(x y) would show; where that leaves the range, in one power.
static double over_powers(const point *p, int k, double exponent, double scale) {
  double value = exp(exponent) * scale, least = 1e-290;
  for (int i = 0; i < k; i++) value = value / p->x / p->y;
  if (exponent > -600 && value > least && value < INFINITY) return value;
  return exp(exponent - k * (p->log_x + p->log_y)) * scale;
}

// x^a y^b / B(a, b) times x^-k y^-k.
static double prefactor(const point *p, int k) {
  double a = p->a, b = p->b;
  if (a >= 16 && b >= 16) {
    // e^(a (ln(1 + r) - r) + b (ln(1 + s) - s)) with 1 + r and 1 + s the ratios of x and y to the means a / (a + b), b
    // / (a + b).
    double gap = gap_of(p), r = gap / a, s = -gap / b;
    double left = fabs(r) < 0.9 ? ck_log1p_rest(r) : p->log_x - log(a / (a + b)) - r;
    double right = fabs(s) < 0.9 ? ck_log1p_rest(s) : p->log_y - log(b / (a + b)) - s;
    double exponent = a * left + b * right + (ck_stirling_tail(a + b) - ck_stirling_tail(a) - ck_stirling_tail(b));
    double scale = sqrt(a) / sqrt(a + b) * sqrt(b) / sqrt(2 * pi);
    return over_powers(p, k, exponent, scale);
  }
  if (a < 16 && b < 16) {
    double sum = a + b, lost = (a - (sum - (sum - a))) + (b - (sum - a));
    double coefficient = a / sum * b * ck_reciprocal_gamma(a) / ck_reciprocal_gamma(sum) * ck_reciprocal_gamma(b);
    // What the sum lacks counts by the slope of ln Γ, which is near ln(a + b + 1/2).
    coefficient *= 1 + lost * log(sum + 0.5);
    // One of x and y is rounded; what it lacks counts as often as its power.
    double lost_x = p->x > p->y ? (1 - p->x) - p->y : 0, lost_y = p->x > p->y ? 0 : (1 - p->y) - p->x;
    double power_x = shifted_power(p->x, a, k, p->log_x) * (1 + (a - k) * lost_x / p->x);
    double powers = power_x * (shifted_power(p->y, b, k, p->log_y) * (1 + (b - k) * lost_y / p->y));
    if (power_x > 1e-140 && power_x < 1e140 && powers > 1e-140 && powers < 1e140) return powers * coefficient;
    double half = pow(p->x, (a - k) / 2) * exp((b - k) / 2 * p->log_y);
    return half * coefficient * half;
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
  return over_powers(p, k, near + rest, pow(c, c) * exp(-c) * c * ck_reciprocal_gamma(c));
}

// ζ(k, b) - ζ(k, a + b) for a > 0, b > 0, k >= 2, ζ being Hurwitz's: term by term, (1 - (1 + a/w)^-s) w^-s for each power,
// so that nothing cancels where a is small against b. By Euler and Maclaurin's formula (DLMF 25.11.28).
static double zeta_drop(int k, double b, double a) {
  double sum = 0, w = b;
  for (; w < 10 + k; w += 1) sum -= pow(w, -k) * expm1(-k * log1p(a / w));
  double grown = log1p(a / w), power = pow(w, -k), rising = k / w;
  double tail = -w * expm1(-(k - 1) * grown) / (k - 1) - 0.5 * expm1(-k * grown);
  for (int j = 0; j < 12; j++) {
    tail -= ck_bernoulli[j] * rising * expm1(-(k + 2 * j + 1) * grown);
    rising *= (k + 2 * j + 1) / w * ((k + 2 * j + 2) / w);
  }
  return sum + power * tail;
}

// ln x - digamma(a + 1) + digamma(a + b + 1), both by way of their logarithms, which hardly differ where that is near 0.
static double slope_of_log(const point *p, int of_b) {
  double a = of_b ? p->b : p->a, b = of_b ? p->a : p->b, y = of_b ? p->x : p->y, log_x = of_b ? p->log_y : p->log_x;
  // x (a + b + 1/2) - (a + 1/2), of which the halves are not lost for large a.
  double gap = of_b ? -gap_of(p) : gap_of(p), w = a + 0.5, r = (gap - 0.5 * y) / w;
  double ratio = fabs(r) < 0.5 ? log1p(r) : log_x + (log(a + b + 0.5) - log(w));
  return ratio - ck_digamma_rest(a) + ck_digamma_rest(a + b);
}

// (-1)^k / k times ζ(k, a + b) - ζ(k, a + shift), for shift 0 or 1: what the logarithm's series has for the k-th power of a.
static double log_coefficient(int k, double a, double b, int shift) {
  double drop = !shift ? zeta_drop(k, a, b) : b < 1 ? -zeta_drop(k, a + b, 1 - b) : zeta_drop(k, a + 1, b - 1);
  return (k % 2 ? drop : -drop) / k;
}

// The series of the prefactor over its value, as e to the series of its logarithm. `over_a` and `over_b` are 1 for the
// prefactor over a or b, whose series stays finite where that is small.
static void prefactor_series(int m, int n, series z, const point *p, int over_a, int over_b) {
  double a = p->a, b = p->b, sum = a + b, both[ck_jet_size];
  series log_of = {{0}};
  int order = m + n;
  for (int k = 2; k <= order; k++) both[k] = ck_polygamma(k - 1, sum) / factorial(k);
  for (int i = 1; i <= m; i++)
    for (int j = 1; j <= n; j++) log_of[i][j] = both[i + j] * factorial(i + j) / factorial(i) / factorial(j);
  if (m > 0) log_of[1][0] = slope_of_log(p, 0) + (over_a ? -1 / sum : b / sum / a);
  if (n > 0) log_of[0][1] = slope_of_log(p, 1) + (over_b ? -1 / sum : a / sum / b);
  for (int k = 2; k <= m; k++) log_of[k][0] = log_coefficient(k, a, b, over_a);
  for (int k = 2; k <= n; k++) log_of[0][k] = log_coefficient(k, b, a, over_b);

  // i z[i][j] is the sum of p log[p][q] z[i - p][j - q]; where i is 0, the same by j.
  z[0][0] = 1;
  for (int i = 0; i <= m; i++)
    for (int j = i == 0; j <= n; j++) {
      double total = 0;
      for (int q = 0; q <= i; q++)
        for (int r = q == 0; r <= j; r++) total += (i > 0 ? q : r) * log_of[q][r] * z[i - q][j - r];
      z[i][j] = total / (i > 0 ? i : j);
    }
}

// ln(x / t) and ln((1 - t) / y), both for t / (1 - t) = x / y e^-u, u >= 0; neither is a difference of near ones.
static void logarithms(const point *p, double u, double *of_x, double *of_y) {
  double grown = p->x > 0.5 && u < 700 ? p->y * expm1(u) : INFINITY;
  if (grown < INFINITY) *of_x = log1p(grown);
  if (grown < 1) {
    *of_y = u - *of_x;
  } else {
    *of_y = p->x <= 0.5 ? -log1p(p->x * expm1(-u)) : -log(p->y + p->x * exp(-u));
    if (grown == INFINITY) *of_x = u - *of_y;
  }
}

// The integral of t^(a-1) (1-t)^(b-1) over t < x, x <= a / (a + b), over x^a y^b, by that substitution: of (t/x)^a
// ((1-t)/y)^b by u; and its derivatives by a and b, which bring factors ln(t/x) and ln((1-t)/y).
static void integral(int m, int n, series z, const point *p) {
  double a = p->a, b = p->b, sum = a + b, of_x, of_y, depth = 44 + 3 * (m + n);
  // Where the logarithm of the integrand, which is concave, has come down by `depth`: from the quadratic of its first
  // terms by Newton's steps.
  double slope = fmax(-gap_of(p), 0), curvature = sum * p->x * p->y;
  double end = 2 * depth / (slope + sqrt(slope * slope + 2 * curvature * depth));
  // For small y it comes down at last like e^u.
  end = fmin(end, log1p(2 * depth / (a * p->y)));
  for (int i = 0; i < 20; i++) {
    logarithms(p, end, &of_x, &of_y);
    double fallen = a * of_x - b * of_y, tail = p->x * exp(-end);
    double rate = (a * p->y - b * tail) / (p->y + tail);
    if (!(rate > 0) || fabs(fallen - depth) < 2) break;
    end += (depth - fallen) / rate;
  }
  for (int i = 0; i <= m; i++)
    for (int j = 0; j <= n; j++) z[i][j] = 0;
  // Until then it is nearly constant, for which one panel is enough; the others are of one size.
  const double least = 1e-15;
  double flat = a * p->y < least ? log1p(least / (a * p->y)) : 0;
  static const double graded[] = {0, 0.04, 0.1, 0.2, 0.35, 0.6, 1}, even[] = {0, 0.2, 0.35, 0.5, 0.65, 0.8, 1};
  const double *bounds = a * p->y < 0.01 ? even : graded;
  enum { panels = sizeof even / sizeof *even - 1 };
  for (int panel = panels - 1; panel >= (flat > 0 ? -1 : 0); panel--) {
    double from = panel < 0 ? 0 : flat + bounds[panel] * (end - flat);
    double half = (panel < 0 ? flat : (bounds[panel + 1] - bounds[panel]) * (end - flat)) / 2;
    for (int i = 0; i < ck_rule_points; i++) {
      logarithms(p, rule_point(i, from, half), &of_x, &of_y);
      double term = ck_rule_weights[i / 2] * half * exp(b * of_y - a * of_x), by_a = 1;
      for (int q = 0; q <= m; q++) {
        double value = term * by_a;
        for (int r = 0; r <= n; r++) {
          z[q][r] += value;
          value *= of_y / (r + 1);
        }
        by_a *= -of_x / (q + 1);
      }
    }
  }
}

// a times that integral, for a < 1: 1 + (a + b) / (a + 1) x + … (DLMF 8.17.8), whose terms are positive.
static void power_series(int m, int n, series z, const point *p) {
  series term = {{1}};
  for (int i = 0; i <= m; i++)
    for (int j = 0; j <= n; j++) z[i][j] = term[i][j];
  for (int k = 0; k < 3000; k++) {
    multiply_linear(m, n, term, term, p->a + p->b + k, 1, 1);
    double c = p->a + 1 + k;
    for (int j = 0; j <= n; j++)
      for (int i = 0; i <= m; i++) {
        term[i][j] = (term[i][j] * p->x - (i > 0 ? term[i - 1][j] : 0)) / c;
        z[i][j] += term[i][j];
      }
    if (term[0][0] < 1e-18 * z[0][0] && k > 4 * (m + n)) break;
  }
}

// The series of I(a, b, x), x <= a / (a + b): the value and `z` beside it.
static double lower(int m, int n, series z, const point *p) {
  series factor;
  int over_a = p->a < 1, over_b = n > 0 && p->b < 1;
  if (over_a) {
    power_series(m, n, z, p);
  } else {
    integral(m, n, z, p);
  }
  if (m + n > 0) {
    prefactor_series(m, n, factor, p, over_a, over_b);
    multiply(m, n, z, z, factor);
    if (over_b) multiply_linear(m, n, z, z, p->b, 0, 1);
  }
  return prefactor(p, 0) / (over_a ? p->a : 1) / (over_b ? p->b : 1);
}

// The limit at x = 0 of the k-th derivative by x, k >= 1: that of x^(a - k) where it is not one of a polynomial.
static double at_zero(int m, int n, int k, double a, double b) {
  if (a > k) return 0;
  if (m > 0 || a != floor(a)) {
    double sign = m % 2 ? -1 : 1;
    for (int i = 1; i < k; i++) sign *= a - i < 0 ? -1 : 1;
    return n == 0 ? sign * INFINITY : NAN;
  }
  // (k - 1)! / (k - a)! (1 - b) (2 - b) … over B(a, b), as a series by b.
  series z = {{1}}, factor = {{0}};
  int count = k - (int)a;
  for (int i = 0; i < count; i++) multiply_linear(0, n, z, z, 1 + i - b, 0, -1);
  double by_b[ck_jet_size] = {0, ck_digamma(a + b) - ck_digamma(b)}, jet[ck_jet_size];
  for (int i = 2; i <= n; i++) by_b[i] = (ck_polygamma(i - 1, a + b) - ck_polygamma(i - 1, b)) / factorial(i);
  jet_exp(n, jet, by_b);
  for (int j = 0; j <= n; j++) factor[0][j] = jet[j];
  multiply(0, n, z, z, factor);
  double scale = exp(ck_lgamma(a + b) - ck_lgamma(a) - ck_lgamma(b));
  return z[0][n] * factorial(n) * factorial(k - 1) / factorial(count) * scale;
}

// (x y)^(k-1) times the k-th derivative by x over the density, as a series by a and b.
static void slope_series(int m, int n, int k, series e, const point *p) {
  double xy = p->x * p->y, edge = 0.1;
  if (p->x > edge && p->y > edge) {
    // By e[j+1] = (a - 1 - (a + b - 2) x - j (1 - 2 x)) e[j] + (j (j - 1) - j (a + b - 2)) x y e[j-1], from differentiating
    // x y d' = (a - 1 - (a + b - 2) x) d j times, d being the density.
    series before = {{0}}, next;
    double total = p->a + p->b - 2;
    for (int j = 0; j + 1 < k; j++) {
      double c = fma(-total, p->x, p->a - 1) - j * (1 - 2 * p->x);
      multiply_linear(m, n, next, e, c, p->y, -p->x);
      multiply_linear(m, n, before, before, (j * (j - 1) - j * total) * xy, -j * xy, -j * xy);
      for (int r = 0; r <= m; r++)
        for (int s = 0; s <= n; s++) {
          double value = next[r][s] + before[r][s];
          before[r][s] = e[r][s];
          e[r][s] = value;
        }
    }
    return;
  }
  // Beside 0 and 1 by Leibniz: the sum over i of C(k-1, i) (a-1) … (a-i) y^i (b-1) … (b-k+1+i) (-x)^(k-1-i). What a factor 0 makes vanish
  // must not be rounded, as it stands at the largest power.
  series sum = {{0}};
  double binomial = 1;
  for (int i = 0; i < k; i++) {
    series term = {{0}};
    term[0][0] = binomial;
    for (int r = 0; r < i; r++) multiply_linear(m, n, term, term, (p->a - (r + 1)) * p->y, p->y, 0);
    for (int r = 0; r < k - 1 - i; r++) multiply_linear(m, n, term, term, (p->b - (r + 1)) * -p->x, 0, -p->x);
    for (int r = 0; r <= m; r++)
      for (int s = 0; s <= n; s++) sum[r][s] += term[r][s];
    binomial = binomial * (k - 1 - i) / (i + 1);
  }
  memcpy(e, sum, sizeof sum);
}

double ck_betainc_partial(int index, double a, double b, double x) {
  int m = ck_betainc_orders[index][0], n = ck_betainc_orders[index][1], k = ck_betainc_orders[index][2];
  if (!(a > 0 && b > 0 && a < INFINITY && b < INFINITY && x >= 0 && x <= 1)) return NAN;
  if (x == 0) return k == 0 ? 0 : at_zero(m, n, k, a, b);
  if (x == 1) return k == 0 ? m + n == 0 : (k % 2 ? 1 : -1) * at_zero(n, m, k, b, a);

  point p = {a, b, x, 1 - x, log(x), log1p(-x)};
  if (k > 0) {
    series e = {{1}}, factor;
    slope_series(m, n, k, e, &p);
    int over_a = m > 0 && a < 1, over_b = n > 0 && b < 1;
    prefactor_series(m, n, factor, &p, over_a, over_b);
    multiply(m, n, e, e, factor);
    if (over_a) multiply_linear(m, n, e, e, a, 1, 0);
    if (over_b) multiply_linear(m, n, e, e, b, 0, 1);
    return e[m][n] * factorial(m) * factorial(n) * (prefactor(&p, k) / (over_a ? a : 1) / (over_b ? b : 1));
  }

  series z;
  point swapped = {b, a, p.y, x, p.log_y, p.log_x};
  // The side on which the function is small, as long as its series ends soon.
  double edge = m + n == 0 ? 0.02 : 0.15;
  int is_lower = a < 1 && b < 1 ? x < edge || (x <= 1 - edge && a >= b) : x * (a + b) <= a;
  double value = is_lower ? lower(m, n, z, &p) * z[m][n] : lower(n, m, z, &swapped) * z[n][m];
  if (m + n == 0) return is_lower ? value : 1 - value;
  return (is_lower ? 1 : -1) * factorial(m) * factorial(n) * value;
}
