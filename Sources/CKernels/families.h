// Special functions with the derivatives of each as a family: the n-th derivative is a function of its own, right at
// every point, where a formula in terms of others would cancel or come to 0 times infinity. Orders from 0 (the
// function) to ck_max_order; beyond it NaN. NaN in gives NaN out, in every order. Internal; special.h has what the
// tables of kernels.inc call.
//
// The largest errors found against mpmath, in units in the last place, for values and for derivatives of the first
// and second order, beside what two units in the last place of each operand explain where that is more
// (scripts/check-special-families.py at 60 points of each region, fewer for functions of several operands):
//
//   erfcx     2.6, 3.5, 2.9       ndtr      2.9, 3.6, 2.8       log_ndtr  2.6, 3.4, 2.4       ndtri   2.2, 2.2, 3.7
//   erfinv    1.8, 1.7, 3.0       sinc      1.7, 3.2, 2.2       i0e       1.0, 0.7, 1.5       i1e     1.1, 1.1, 2.6
//   gammainc  3.4; by x 3.0; by a 4; second derivatives by a up to 20 near their zeros    zeta  1.1, by x 2, by q 2
//   betainc   4; by x 4; by a or b 7; second derivatives by a or b up to 60, and a large b with a small x more
#ifndef CKERNELS_FAMILIES_H
#define CKERNELS_FAMILIES_H

#include <stdint.h>

#include "include/CKernels.h"
#include "special.h"

enum { ck_max_order = CK_MOST_ORDERS };

// The probability of the normal distribution beyond x >= 0.7.
double ck_normal_tail(double x);

double ck_erfcx_order(int n, double x);
double ck_erf_order(int n, double x);
double ck_ndtr_order(int n, double x);
double ck_log_ndtr_order(int n, double x);
double ck_ndtri_order(int n, double p);
double ck_erfinv_order(int n, double x);
double ck_sinc_order(int n, double x);
// e^-|x| I0(x) and e^-|x| I1(x). At 0, where derivatives have two sides, the mean of both.
double ck_i0e_order(int n, double x);
double ck_i1e_order(int n, double x);

// Partial derivatives of functions of two operands are numbered by a code: the order by the first plus CK_CODE_STEP
// times that by the second. False where `code` is no such number.
static inline int ck_decode(double code, int *first, int *second) {
  if (!(code >= 0 && code < (double)CK_CODE_STEP * CK_CODE_STEP) || code != (double)(int)code) return 0;
  *first = (int)code % CK_CODE_STEP;
  *second = (int)code / CK_CODE_STEP;
  return 1;
}

// 1 / Γ(1 + a) for 0 <= a < 32.
double ck_reciprocal_gamma(double a);
// For a >= 16: ln Γ(a) - (a - 1/2) ln a + a - ln(2 pi) / 2.
double ck_stirling_tail(double a);
// digamma(a + 1) - ln(a + 1/2), and ln(1 + r) - r.
double ck_digamma_rest(double a);
double ck_log1p_rest(double r);

// B(2j) / (2j)! for j = 1 to 12, of Euler and Maclaurin's formula.
extern const double ck_bernoulli[12];

#endif
