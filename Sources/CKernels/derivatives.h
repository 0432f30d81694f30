// Derivatives of any order, of one point, the same code on every processor: the tables of kernels.inc all call these.
#ifndef CKERNELS_DERIVATIVES_H
#define CKERNELS_DERIVATIVES_H

// The n-th derivative of e^(-x²), n an integer from 0 to 100; NaN for any other n.
double ck_gaussian_derivative(double n, double x);
// The derivative of x^y, m times by x and n times by y, as a function: where the formula has the form 0 · ∞ its limit. `code` is m + 256 n, m
// and n at most 100 in all; NaN for any other. For negative x there is no derivative by y, so NaN.
double ck_pow_derivative(double code, double x, double y);

#endif
