// Truncated power series in one variable, for derivatives by a parameter: jet[k] is the k-th derivative over k!, for k
// <= order.
#ifndef CKERNELS_JETS_H
#define CKERNELS_JETS_H

#include <math.h>

#include "include/CKernels.h"

enum { ck_jet_order = CK_MOST_PARAMETER_ORDERS, ck_jet_size = ck_jet_order + 1 };

// z = x y; z may be x or y.
static inline void jet_multiply(int order, double *z, const double *x, const double *y) {
  for (int k = order; k >= 0; k--) {
    double sum = 0;
    for (int j = 0; j <= k; j++) sum += x[j] * y[k - j];
    z[k] = sum;
  }
}

// z = x (c + t), t being the variable; z may be x.
static inline void jet_multiply_linear(int order, double *z, const double *x, double c) {
  for (int k = order; k >= 0; k--) z[k] = x[k] * c + (k > 0 ? x[k - 1] : 0);
}

// z = x / (c + t); z may be x.
static inline void jet_divide_linear(int order, double *z, const double *x, double c) {
  z[0] = x[0] / c;
  for (int k = 1; k <= order; k++) z[k] = (x[k] - z[k - 1]) / c;
}

// z = e^x without its constant factor e^x[0]: z[0] = 1.
static inline void jet_exp(int order, double *z, const double *x) {
  z[0] = 1;
  for (int k = 1; k <= order; k++) {
    double sum = 0;
    for (int j = 1; j <= k; j++) sum += j * x[j] * z[k - j];
    z[k] = sum / k;
  }
}

// The product of numbers, none infinite, over a divisor, without leaving the range of numbers in between.
static inline double quotient_of(int count, const double *numbers, double divisor) {
  int exponent, of_number;
  double product = 1 / frexp(divisor, &exponent);
  exponent = -exponent;
  for (int i = 0; i < count; i++) {
    product *= frexp(numbers[i], &of_number);
    exponent += of_number;
  }
  return ldexp(product, exponent);
}

static inline double factorial(int n) {
  double product = 1;
  for (int k = 2; k <= n; k++) product *= k;
  return product;
}

#endif
