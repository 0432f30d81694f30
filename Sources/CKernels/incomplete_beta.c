// The regularised incomplete beta function I(a, b, x) with its derivatives by all three operands (DLMF 8.17).
#include "beta_prefactor.h"
#include "quadrature.h"

#pragma STDC FP_CONTRACT OFF

const uint8_t ck_betainc_orders[CK_BETAINC_COUNT][3] = {
    {0, 0, 0}, {0, 0, 1}, {0, 1, 0}, {1, 0, 0}, {0, 0, 2}, {0, 1, 1}, {0, 2, 0}, {1, 0, 1}, {1, 1, 0},
    {2, 0, 0}, {0, 0, 3}, {0, 1, 2}, {0, 2, 1}, {0, 3, 0}, {1, 0, 2}, {1, 1, 1}, {1, 2, 0}, {2, 0, 1},
    {2, 1, 0}, {3, 0, 0}, {0, 0, 4}, {0, 1, 3}, {0, 2, 2}, {0, 3, 1}, {0, 4, 0}, {1, 0, 3}, {1, 1, 2},
    {1, 2, 1}, {1, 3, 0}, {2, 0, 2}, {2, 1, 1}, {2, 2, 0}, {3, 0, 1}, {3, 1, 0}, {4, 0, 0}};

// ln(x / t) and ln((1 - t) / y), both for t / (1 - t) = x / y e^-u, u >= 0; neither is a difference of near ones.
static void logarithms(const point *p, double u, double *of_x, double *of_y) {
  double grown = p->x > 0.5 && u < 1400 ? (u < 700 ? p->y * expm1(u) : p->y * exp(u / 2) * exp(u / 2)) : INFINITY;
  if (grown < INFINITY) *of_x = log1p(grown);
  if (grown < 1) {
    *of_y = u - *of_x;
  } else {
    *of_y = p->x <= 0.5 ? -log1p(p->x * expm1(-u)) : -log(p->y + p->x * exp(-u));
    if (grown == INFINITY) *of_x = u - *of_y;
  }
}

// ln(1 + c / (a y)), also where the product underflows.
static double log1p_over(double c, const point *p) {
  double ay = p->a * p->y;
  return ay > 1e-290 ? log1p(c / ay) : log(c / p->a) - p->log_y;
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
  end = fmin(end, log1p_over(2 * depth, p));
  for (int i = 0; i < 20; i++) {
    logarithms(p, end, &of_x, &of_y);
    double fallen = a * of_x - b * of_y, tail = p->x * exp(-end);
    double rate = (a * p->y - b * tail) / (p->y + tail);
    if (!(rate > 0) || fabs(fallen - depth) < 2) break;
    end += (depth - fallen) / rate;
  }
  for (int i = 0; i <= m; i++)
    for (int j = 0; j <= n; j++) z[i][j] = 0;
  // Until then it is nearly constant, for which one panel is enough.
  const double least = 1e-15;
  double flat = a * p->y < least ? log1p_over(least, p) : 0;
  // A logarithm beside it needs more of them over a long range.
  static const double graded[] = {0, 0.04, 0.1, 0.2, 0.35, 0.6, 1};
  int is_graded = a * p->y >= 0.01, panels = is_graded ? 6 : m + n > 0 ? 20 : 6;
  for (int panel = panels - 1; panel >= (flat > 0 ? -1 : 0); panel--) {
    double low = is_graded ? graded[panel < 0 ? 0 : panel] : panel * (1.0 / panels);
    double high = is_graded ? graded[panel + 1] : (panel + 1) * (1.0 / panels);
    double from = panel < 0 ? 0 : flat + low * (end - flat);
    double half = (panel < 0 ? flat : (high - low) * (end - flat)) / 2;
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

// What a times that integral has beyond 1 over x^a, without y^b, for a < 1, b < 1: a / (a + 1) (1 - b) x + … (DLMF
// 8.17.7). The terms are positive, and so small as a is.
static void small_series(int m, int n, series z, const point *p) {
  series rising = {{1}}, term;
  memset(z, 0, sizeof(series));
  for (int k = 1; k < 3000; k++) {
    multiply_linear(0, n, rising, rising, (k - p->b) * p->x / k, 0, -p->x / k);
    memcpy(term, rising, sizeof term);
    multiply_linear(m, n, term, term, p->a, 1, 0);
    for (int j = 0; j <= n; j++)
      for (int i = 0; i <= m; i++) {
        term[i][j] = (term[i][j] - (i > 0 ? term[i - 1][j] : 0)) / (p->a + k);
        z[i][j] += term[i][j];
      }
    if (fabs(term[m][n]) <= 1e-18 * fabs(z[m][n]) && term[0][0] <= 1e-18 * z[0][0] && k > 4 * (m + n)) break;
  }
}

// The series of I(a, b, x), x <= a / (a + b): the value and `z` beside it.
static double lower(int m, int n, series z, const point *p) {
  series factor;
  int over_a = p->a < 1, over_b = n > 0 && p->b < 1 && !over_a, is_small = over_a && p->b < 1 && m + n > 0;
  factors f = {over_a, over_b || is_small, is_small, 0, 0, is_small};
  if (is_small) {
    small_series(m, n, z, p);
    z[0][0] += 1;
  } else if (over_a) {
    power_series(m, n, z, p);
  } else {
    integral(m, n, z, p);
  }
  if (m + n > 0) {
    prefactor_series(m, n, factor, p, f);
    multiply(m, n, z, z, factor);
    if (over_b) multiply_linear(m, n, z, z, p->b, 0, 1);
  }
  return prefactor(p, f, is_small ? exp(-p->b * p->log_y) : 1);
}

// I(a, b, x) where it is small though x is not, a < 1, b < 1: b / (a + b) less a / (a + b) times what the other side's
// y^b Γ(1 + a + b) / (Γ(1 + a) Γ(1 + b)) (1 + …) has beyond 1.
static double small_value(double a, double b, const point *swapped) {
  double log_gammas = 0, power = 1;
  series z;
  small_series(0, 0, z, swapped);
  if (b > 0.05) {
    log_gammas = log(ck_reciprocal_gamma(a) / ck_reciprocal_gamma(a + b) * ck_reciprocal_gamma(b));
  } else {
    for (int k = 1; k < 14; k++) {
      power *= -b;
      log_gammas -= power * zeta_drop(k, 1, a) / k;
    }
  }
  return b / (a + b) - a / (a + b) * expm1(b * swapped->log_x + log_gammas + log1p(z[0][0]));
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

// x^(l-1) times the k-th derivative by x over the density without y^(b-1), as a series by a and b, for b x < 1/2;
// returns l. Term by term of the density's series by x, so that derivatives by b, as small as a, are no differences.
static int slope_beside_zero(int m, int n, int k, series e, const point *p) {
  series rising = {{1}}, term;
  int first = m == 0 && p->a < k && p->a == floor(p->a) ? k - (int)p->a : 0;
  memset(e, 0, sizeof(series));
  for (int i = 0; i < 40; i++) {
    if (i > 0) multiply_linear(0, n, rising, rising, (i - p->b) / i, 0, -1.0 / i);
    if (i < first) continue;
    if (i > first)
      for (int j = 0; j <= n; j++) rising[0][j] *= p->x;
    memcpy(term, rising, sizeof term);
    for (int r = 1; r < k; r++) multiply_linear(m, n, term, term, p->a + (i - r), 1, 0);
    for (int r = 0; r <= m; r++)
      for (int s = 0; s <= n; s++) e[r][s] += term[r][s];
  }
  return k - first;
}

// x^(l-1) y^(k-1) times the k-th derivative by x over the density, as a series by a and b; returns l. It is k, unless a
// power of x vanishes with all its derivatives.
static int slope_series(int m, int n, int k, series e, const point *p) {
  double xy = p->x * p->y, edge = 0.1;
  if (p->x > edge && p->y > edge) {
    // By e[j+1] = (a - 1 - (a + b - 2) x - j (1 - 2 x)) e[j] + (j (j - 1) - j (a + b - 2)) x y e[j-1], from
    // differentiating x y d' = (a - 1 - (a + b - 2) x) d j times, d being the density.
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
    return k;
  }
  // Beside 0 and 1 by Leibniz: the sum over i of C(k-1, i) (a-1) … (a-i) y^i (b-1) … (b-k+1+i) (-x)^(k-1-i). What a
  // factor 0 makes vanish must not be rounded, as it stands at the largest power.
  series sum = {{0}};
  int count = m == 0 && p->a < k && p->a == floor(p->a) ? (int)p->a : k;
  for (int i = 0; i < count; i++) {
    series term = {{0}};
    term[0][0] = binomial(k - 1, i);
    for (int r = 0; r < i; r++) multiply_linear(m, n, term, term, (p->a - (r + 1)) * p->y, p->y, 0);
    for (int r = 0; r < k - 1 - i; r++) {
      double minus_x = r < count - 1 - i ? -p->x : -1;
      multiply_linear(m, n, term, term, (p->b - (r + 1)) * minus_x, 0, minus_x);
    }
    for (int r = 0; r <= m; r++)
      for (int s = 0; s <= n; s++) sum[r][s] += term[r][s];
  }
  memcpy(e, sum, sizeof sum);
  return count;
}

// The k-th derivative by x, k >= 1, with its derivatives by a and b.
static double slope(int m, int n, int k, const point *p) {
  series e = {{1}}, factor;
  int is_small = m + n > 0 && p->a < 1 && p->b < 1, over_a = m > 0 && p->a < 1, over_b = n > 0 && p->b < 1;
  int is_beside_zero = n > 0 && p->x < 0.1 && p->b * p->x < 0.5;
  int power = (is_beside_zero ? slope_beside_zero : slope_series)(m, n, k, e, p);
  factors f = {over_a, over_b, is_small, power, is_beside_zero ? 1 : k, is_beside_zero};
  prefactor_series(m, n, factor, p, f);
  multiply(m, n, e, e, factor);
  if (over_a && !is_small) multiply_linear(m, n, e, e, p->a, 1, 0);
  if (over_b && !is_small) multiply_linear(m, n, e, e, p->b, 0, 1);
  return prefactor(p, f, e[m][n] * factorial(m) * factorial(n) * (is_beside_zero ? exp((1 - p->b) * p->log_y) : 1));
}

double ck_betainc_partial(int index, double a, double b, double x) {
  int m = ck_betainc_orders[index][0], n = ck_betainc_orders[index][1], k = ck_betainc_orders[index][2];
  if (!(a > 0 && b > 0 && a < INFINITY && b < INFINITY && x >= 0 && x <= 1)) return NAN;
  if (x == 0) return k == 0 ? 0 : at_zero(m, n, k, a, b);
  if (x == 1) return k == 0 ? m + n == 0 : (k % 2 ? 1 : -1) * at_zero(n, m, k, b, a);

  point p = {a, b, x, 1 - x, log(x), log1p(-x)}, swapped = {b, a, p.y, x, p.log_y, p.log_x};
  if (k > 0) {
    // Beside 1 from the other side.
    if (m > 0 && p.y < 0.1 && a * p.y < 0.5) return (k % 2 ? 1 : -1) * slope(n, m, k, &swapped);
    return slope(m, n, k, &p);
  }

  series z;
  // The side on which the function is small, as long as its series ends soon.
  double edge = m + n == 0 ? 0.02 : 0.15;
  int is_lower = a < 1 && b < 1 ? x < edge || (x <= 1 - edge && a >= b) : x * (a + b) <= a;
  double value = is_lower ? lower(m, n, z, &p) * z[m][n] : lower(n, m, z, &swapped) * z[n][m];
  if (m + n == 0 && !is_lower && value > 0.7 && a < 1 && b < 1) return small_value(a, b, &swapped);
  if (m + n == 0) return is_lower ? value : 1 - value;
  return (is_lower ? 1 : -1) * factorial(m) * factorial(n) * value;
}
