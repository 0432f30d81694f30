// Special functions of one point, the same code on every processor: the tables of kernels.inc all call these. NaN in
// gives NaN out.
//
// The largest errors found against mpmath, in units in the last place, at 100000 random points per line unless
// (thousands) says fewer (scripts/check-special-functions.py, x86-64, glibc 2.36):
//
//   lgamma        [1e-308, 1] 1.3 · [1, 20] 2.3 · [20, 1e305] 1.7 · [-50, 0]* 3.1
//   digamma       [1e-307, 1] 1.5 · [1, 2] and within 1e-16 to 0.1 of the root 2.4 · [2, 10] 3.0 · [10, 1e308] 1.0
//                 [-100, 0]* 2.8 (75) · [-1e9, -1e-300]* 3.5 · within 1e-15 to 0.1 of a pole* 2.6
//   polygamma     n = 1: [1e-150, 10] 2.3 · [10, 1e305] 2.7 · [-100, 0]* 2.7 (59)
//                 n = 2 to 20: [1e-10, 10] 3.1 · [0, 50] 3.7 · [50, 1e14] 3.3 · [-100, 0]* 6.1 (31)
//                 n = 21 to 100: [0.01, 1000] 8.1 (28) · [-100, 0]* 6.3 (5)
//   softplus      [-745, 745] 1.2 · |x| in [1e-300, 40] 1.3
//   log_sigmoid   [-745, 745] 1.2 · |x| in [1e-300, 40] 1.3
//   logaddexp     [0, 700]^2 0.5 · [-40, 40]^2** 1.1 · |x|, |y| in [1e-5, 1e300]** 1.5
//   xlogy         1.4
//   remainder     0.5: fmod is exact, the shift by the divisor rounds once
//   all …f        0.50 (computed in double, rounded once)
//
// *  Relative to the value or, beside the zeros between poles, to the slope times the distance to the nearest pole.
// ** Relative to the value or, beside its zeros, to the larger argument.
#ifndef CKERNELS_SPECIAL_H
#define CKERNELS_SPECIAL_H

// ±1 gives ±inf, beyond them NaN.
double ck_erfinv(double x);
// log |gamma(x)|; +inf at the poles 0, -1, -2, …. Safe between threads, unlike lgamma.
double ck_lgamma(double x);
// -inf at +0, +inf at -0, NaN at the negative integers and -inf.
double ck_digamma(double x);
// The n-th derivative of digamma, n an integer from 0 to 100; NaN for any other n. At the poles +inf for odd n, NaN for
// even n > 0.
double ck_polygamma(double n, double x);
// log(1 + e^x)
double ck_softplus(double x);
// log(sigmoid(x)), which is -softplus(-x)
double ck_log_sigmoid(double x);
// log(e^x + e^y)
double ck_logaddexp(double x, double y);
// x log(y), and 0 where x is 0, unless y is NaN.
double ck_xlogy(double x, double y);
// As Python's float %: the sign of y, also of a zero; NaN for y = 0.
double ck_remainder(double x, double y);

// Of the normal distribution: the probability below x, its logarithm, and the x below which there is the probability p.
double ck_ndtr(double x);
double ck_log_ndtr(double x);
double ck_ndtri(double p);
// e^(x²) erfc(x)
double ck_erfcx(double x);
// sin(pi x) / (pi x), 1 at 0.
double ck_sinc(double x);
// e^-|x| I0(x) and e^-|x| I1(x), I being the modified Bessel functions.
double ck_i0e(double x);
double ck_i1e(double x);
// The regularised incomplete gamma functions, lower and upper; NaN outside a >= 0, x >= 0.
double ck_gammainc(double a, double x);
double ck_gammaincc(double a, double x);
// ∂^(m + n) P(a, x) / ∂a^m ∂x^n for code = m + 4096 n, m <= 8, n <= 16.
double ck_gammainc_partial(double code, double a, double x);
// The zeta function of Hurwitz, the sum of (q + k)^-x over k >= 0, x >= 1; NaN for x < 1.
double ck_zeta(double x, double q);
// ∂^(m + n) zeta(x, q) / ∂x^m ∂q^n for code = m + 4096 n, m <= 8, n <= 16.
double ck_zeta_partial(double code, double x, double q);
// ∂^(i + j + k) I(a, b, x) / ∂a^i ∂b^j ∂x^k of the regularised incomplete beta function, for the index-th of
// ck_betainc_orders; NaN outside a > 0, b > 0 and [0, 1].
double ck_betainc_partial(int index, double a, double b, double x);
// ∂^(m + n) √(x² + y²) / ∂x^m ∂y^n and those of x / (x² + y²) for code = m + 4096 n: m + n from
// 2 to 16 of the first, up to 100 of the second.
double ck_hypot_partial(double code, double x, double y);
double ck_inversion_partial(double code, double x, double y);
// 2^12 erfc(x)
double ck_scaled_erfc(double x);
// A derivative of a function of one operand: code is the number of the function (ck_family) times CK_CODE_STEP, plus
// the order.
double ck_family_derivative(double code, double x);

float ck_erfinvf(float x);
float ck_lgammaf(float x);
float ck_digammaf(float x);
float ck_polygammaf(float n, float x);
float ck_softplusf(float x);
float ck_log_sigmoidf(float x);
float ck_logaddexpf(float x, float y);
float ck_xlogyf(float x, float y);
float ck_remainderf(float x, float y);

#endif
