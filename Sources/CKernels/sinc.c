// The normalised sinc and its derivatives.
#include <math.h>

#include "families.h"

#pragma STDC FP_CONTRACT OFF

static const double pi = 3.14159265358979323846;

// sin(pi x + k pi / 2), reduced exactly: beside every zero it is right relative to itself.
static double sine_pi(double x, int k) {
  double r = x - 2 * rint(x / 2);  // in [-1, 1]
  // Each quarter turn shifts by a half, exactly where that is needed: the nearest multiple of 1/2 is taken out first.
  double half_turns = rint(2 * r), rest = pi * (r - half_turns / 2);
  switch (((int)half_turns + k) & 3) {
    case 0: return sin(rest);
    case 1: return cos(rest);
    case 2: return -sin(rest);
    default: return -cos(rest);
  }
}

double ck_sinc(double x) {
  if (x == 0) return 1;
  if (fabs(x) == INFINITY) return 0;
  if (fabs(x) < 1e-9) return x == x ? 1 : NAN;
  return sine_pi(x, 0) / (pi * x);
}

// With t = pi x and f = sin t / t: t f⁽ⁿ⁾ + n f⁽ⁿ⁻¹⁾ = sin(t + n pi / 2), from differentiating t f = sin t n times.
// Upwards it is stable for n < t; for n >= t it is run downwards from an order so high that what it starts from is
// forgotten.
double ck_sinc_order(int n, double x) {
  if (n == 0) return ck_sinc(x);
  if (x != x) return NAN;
  if (fabs(x) == INFINITY) return 0;
  double t = pi * x, size = fabs(t), scale = 1, value;
  for (int k = 0; k < n; k++) scale *= pi;
  if (size > n) {
    value = sine_pi(x, 0) / t;
    for (int k = 1; k <= n; k++) value = (sine_pi(x, k) - k * value) / t;
  } else {
    int far = n + 1;
    for (double forgotten = 1; forgotten > 1e-20; far++) forgotten *= size / far;
    value = 0;
    for (int k = far; k > n; k--) value = (sine_pi(x, k) - t * value) / k;
  }
  return value * scale;
}
