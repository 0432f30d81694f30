// The zeta function of Hurwitz with its derivatives by both operands (DLMF 25.11).
#include <math.h>

#include "families.h"
#include "jets.h"

#pragma STDC FP_CONTRACT OFF

// x^y, in halves where it leaves the range of numbers: the power is outer * inner * outer.
typedef struct {
  double outer, inner;
} split_power;

static split_power power_in_parts(double x, double y) {
  double power = pow(x, y);
  if (power > 1e-290 && power < 1e290) return (split_power){1, power};
  return (split_power){pow(x, y / 2), 1};
}

// The jet by s of what Euler and Maclaurin's formula (DLMF 25.11.28) puts for the terms from w on, over w^(1-s):
// 1 / (s - 1) + (1/2 + sum of B(2j) / (2j)! s (s+1) … (s+2j-2) w^(1-2j)) / w.
static void zeta_tail(int order, double *tail, double s, double w) {
  double rest[ck_jet_size] = {0.5}, rising[ck_jet_size] = {s / w, 1 / w}, logarithm[ck_jet_size] = {0, -log(w)};
  double power[ck_jet_size];
  for (int i = 0; i < 12; i++) {
    for (int j = 0; j <= order; j++) rest[j] += ck_bernoulli[i] * rising[j];
    jet_multiply_linear(order, rising, rising, s + 2 * i + 1);
    jet_multiply_linear(order, rising, rising, s + 2 * i + 2);
    for (int j = 0; j <= order; j++) rising[j] = rising[j] / w / w;
  }
  tail[0] = 1;
  for (int j = 1; j <= order; j++) tail[j] = 0;
  jet_divide_linear(order, tail, tail, s - 1);
  for (int j = 0; j <= order; j++) tail[j] += rest[j] / w;
  jet_exp(order, power, logarithm);
  jet_multiply(order, tail, tail, power);
}

// The coefficient of t^m in x (x + 1) … (x + n - 1) times the sum of (q + k)^-s over k >= 0, at x + t, s = x + n; q >
// 0, s > 1. The terms up to w = q + N, then the tail.
static double zeta_coefficient(int m, int n, double x, double q) {
  double s = x + n, sum[ck_jet_size] = {0}, lost[ck_jet_size] = {0}, tail[ck_jet_size] = {0};
  split_power first = power_in_parts(q, -s), last = {0, 0};
  // Nothing that is left to multiply by brings such a power back.
  if (first.outer < 1 && (s - 1) * log(q) > 1000 + 20 * log(s)) return 0;
  // Where the first power is out of range, all are taken relative to it.
  double unit = first.outer == 1 ? 1 : q;
  for (int k = 0;; k++) {
    double w = q + k, rounding = (q - (w - (w - q))) + (k - (w - q)), minus_log = -log(w);
    // To the power s, the rounding of q + k would count s times.
    if (w >= 10 + s + 2 * m) {
      zeta_tail(m, tail, s, w);
      last = power_in_parts(w, 1 - s);
      last.inner *= 1 - (s - 1) * rounding / w;
      break;
    }
    double power = (k == 0 ? first.inner : pow(w / unit, -s)) * (1 - s * rounding / w), term = power;
    for (int j = 0; j <= m; j++) {
      // What a sum loses is found by subtracting back.
      double next = sum[j] + term;
      lost[j] += fabs(sum[j]) >= fabs(term) ? term - (next - sum[j]) : sum[j] - (next - term);
      sum[j] = next;
      if (j < m) term *= minus_log / (j + 1);
    }
    // Of a low power what is left is more than a term. ln(1) = 0 makes no last term.
    if (k > 1 && s > 16 && (power == 0 || fabs(term) < fabs(sum[m]) * 0x1p-70)) break;
  }
  for (int j = 0; j <= m; j++) sum[j] += lost[j];
  for (int k = 0; k < n; k++) {
    jet_multiply_linear(m, sum, sum, x + k);
    jet_multiply_linear(m, tail, tail, x + k);
  }
  return first.outer * sum[m] * first.outer + last.outer * (last.inner * tail[m]) * last.outer;
}

// q < 0, no integer: only integer powers s >= 2 have a value.
static double zeta_left(double s, double q) {
  if (s != floor(s)) return NAN;
  if (s <= 100) {
    // DLMF 25.11.12.
    double size = ck_polygamma(s - 1, q);
    for (int k = 2; k < s; k++) size /= k;
    return fmod(s, 2) == 0 ? size : -size;
  }
  // The nearest terms on both sides of 0; the others are below 1e-70 of these.
  double near = rint(q), r = q - near, sum = 0;
  for (double k = fmax(-4, near); k <= 4; k++) sum += pow(r + k, -s);
  return sum;
}

// x = infinity: only terms from bases up to 1 are left.
static double zeta_of_infinity(int m, int n, double q) {
  if (!(q > 0)) return NAN;
  if (q > 1) return 0;
  if (m + n == 0) return q == 1 ? 1 : INFINITY;
  if (q == 1 && m > 0) return 0;
  return n % 2 ? -INFINITY : INFINITY;
}

double ck_zeta_partial(double code, double x, double q) {
  int m, n;
  if (!ck_decode(code, &m, &n) || m > ck_jet_order || n > ck_max_order || !(x >= 1) || q != q) return NAN;
  if (x == INFINITY) return zeta_of_infinity(m, n, q);
  if (q == INFINITY) return x == 1 && n == 0 ? (m % 2 ? -INFINITY : INFINITY) : 0;
  double s = x + n;
  if (s == 1) return m % 2 ? -INFINITY : INFINITY;
  // ∂/∂q zeta(s, q) = -s zeta(s + 1, q), n times; the factors are a polynomial in s.
  double sign = n % 2 ? -1 : 1;
  if (!(q > 0)) {
    if (m > 0 || q == -INFINITY) return NAN;
    // At the poles the value is that of the even powers.
    if (q == floor(q)) return n == 0 ? INFINITY : fmod(s, 2) == 0 ? sign * INFINITY : NAN;
    for (int k = 0; k < n; k++) sign *= x + k;
    return sign * zeta_left(s, q);
  }
  return sign * factorial(m) * zeta_coefficient(m, n, x, q);
}

double ck_zeta(double x, double q) { return ck_zeta_partial(0, x, q); }
