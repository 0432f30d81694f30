// Derivatives of any order, of one point, the same code on every processor: the tables of kernels.inc all call these.
#ifndef CKERNELS_DERIVATIVES_H
#define CKERNELS_DERIVATIVES_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

// The n-th derivative of e^(-x²), n an integer from 0 to 100; NaN for any other n.
double ck_gaussian_derivative(double n, double x);
// The derivative of x^y, m times by x and n times by y, as a function: where the formula has the form 0 · ∞ its limit.
// `code` is m + 256 n, m and n at most 100 in all; NaN for any other. For negative x there is no derivative by y, so
// NaN.
double ck_pow_derivative(double code, double x, double y);
// Whether x^(y - m) is surely between 2^-near and 2^near, by the exponent of x.
enum { CK_NEAR_F64 = 900, CK_NEAR_F32 = 96 };
static inline bool ck_power_is_near(double x, double y, int m, double near) {
  uint64_t bits;
  memcpy(&bits, &x, 8);
  double exponent = (double)((int)(bits >> 52 & 2047) - 1023);
  return fabs(y - m) * (fabs(exponent) + 1) < near;
}
// A power of 2, 1 unless the derivative is out of range or near its ends, and the derivative times it.
double ck_pow_scale(double code, double x, double y);
float ck_pow_scalef(float code, float x, float y);
double ck_scaled_pow_derivative(double code, double x, double y);
float ck_scaled_pow_derivativef(float code, float x, float y);

#endif
