// The zeta function of Hurwitz with its derivatives by both operands (DLMF 25.11).
#include <math.h>

#include "families.h"
#include "jets.h"

#pragma STDC FP_CONTRACT OFF

// The jet by s of the sum of (q + k)^-s over k >= 0, q > 0, s > 0: the terms up to w = q + N, then by Euler and
// Maclaurin's formula (DLMF 25.11.28) w^-s (w / (s - 1) + 1/2 + sum of B(2j) / (2j)! s (s+1) … (s+2j-2) w^(1-2j)).
static void zeta_jet(int order, double *sum, double s, double q) {
  double lost[ck_jet_size] = {0};
  for (int j = 0; j <= order; j++) sum[j] = 0;
  for (int k = 0;; k++) {
    double w = q + k, rounding = (q - (w - (w - q))) + (k - (w - q));
    // To the power s, the rounding of q + k would count s times.
    double power = pow(w, -s) * (1 - s * rounding / w), minus_log = -log(w), terms[ck_jet_size];
    if (w >= 10 + s + 2 * order) {
      double tail[ck_jet_size] = {1}, rising[ck_jet_size] = {s / w, 1 / w}, inverse_power[ck_jet_size] = {0, minus_log};
      jet_divide_linear(order, tail, tail, s - 1);
      for (int j = 0; j <= order; j++) tail[j] *= w;
      tail[0] += 0.5;
      for (int i = 0; i < 12; i++) {
        for (int j = 0; j <= order; j++) tail[j] += ck_bernoulli[i] * rising[j];
        jet_multiply_linear(order, rising, rising, s + 2 * i + 1);
        jet_multiply_linear(order, rising, rising, s + 2 * i + 2);
        for (int j = 0; j <= order; j++) rising[j] = rising[j] / w / w;
      }
      jet_exp(order, terms, inverse_power);
      jet_multiply(order, tail, tail, terms);
      for (int j = 0; j <= order; j++) sum[j] += lost[j] + power * tail[j];
      return;
    }
    double term = power;
    for (int j = 0; j <= order; j++) {
      // What a sum loses is found by subtracting back; an infinite first term loses nothing.
      double next = sum[j] + term;
      if (k > 0) lost[j] += fabs(sum[j]) >= fabs(term) ? term - (next - sum[j]) : sum[j] - (next - term);
      sum[j] = next;
      if (j < order) term *= minus_log / (j + 1);
    }
    // ln(1) = 0 makes no last term.
    if (k > 1 && (power == 0 || fabs(term) < fabs(sum[order]) * 0x1p-70)) break;
  }
  for (int j = 0; j <= order; j++) sum[j] += lost[j];
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
  double jet[ck_jet_size];
  zeta_jet(m, jet, s, q);
  for (int k = 0; k < n; k++) jet_multiply_linear(m, jet, jet, x + k);
  return sign * factorial(m) * jet[m];
}

double ck_zeta(double x, double q) { return ck_zeta_partial(0, x, q); }
