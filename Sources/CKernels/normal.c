// The normal distribution and the error functions, each with its derivatives as one family of orders. All of them stand
// on erfcx, whose derivatives alternate in sign and so can be had without cancellation.
#define _DEFAULT_SOURCE
#include <math.h>
#include <stddef.h>

#include "families.h"

#pragma STDC FP_CONTRACT OFF

static const double pi = 3.14159265358979323846;
static const double sqrt_half = 0.70710678118654752440;
static const double sqrt_2_over_pi = 0.79788456080286535588;
static const double two_over_sqrt_pi = 1.12837916709551257390;
static const double half_sqrt_pi = 0.88622692545275801365;
static const double sqrt_pi_over_2 = 1.25331413731550025121;
static const double sqrt_2_pi = 2.50662827463100050242;

// e^(scale x²): the rounding of x² would count as often as its size, so it is found and made good.
static double exp_square(double scale, double x) {
  double square = x * x;
  double lost = square < INFINITY ? fma(x, x, -square) : 0;
  return exp(scale * square) * (1 + scale * lost);
}

// erfcx and its derivatives ---------------------------------------------------------------------------------

// terms[k] = (-1)^k erfcx⁽ᵏ⁾(x) / k! for k <= n, x >= 0; all are positive. They are (2^k e^(x²) times) the repeated
// integrals iᵏerfc (DLMF 7.18).
static void erfcx_terms(double x, int n, double *terms) {
  // The same at 1, 2, 3 and 4 (scripts/check-special-families.py --coefficients). From there the Taylor series to the
  // left has positive terms only.
  enum { count = 70 };
  static const double centers[4][count] = {
    {
      0.427583576155807, 0.27321201478389856, 0.15437156137190844, 0.07922696894132675, 0.037572296215290846,
      0.016661869090414363, 0.006970142374958827, 0.0027690647758444385, 0.001050269399778597, 0.0003819545280146314,
      0.00013366297435279316, 4.514391884760696e-05, 1.4753175917531031e-05, 4.675498912319374e-06,
      1.4396681436016656e-06, 4.314441024956944e-07, 1.260280051382464e-07, 3.593130557146447e-08,
      1.0010744396309103e-08, 2.7284801237005647e-09, 7.282264272608537e-10, 1.9050035204187724e-10,
      4.8884188656270594e-11, 1.2314448990052753e-11, 3.0474783055181535e-12, 7.413576547627679e-13,
      1.7739389621195276e-13, 4.17750932259863e-14, 9.68705735614046e-15, 2.2129679910238512e-15,
      4.982726243411073e-16, 1.1062550752791896e-16, 2.422794480082427e-17, 5.236215922854224e-18,
      1.117160522233532e-18, 2.353745943211824e-19, 4.898810710624165e-20, 1.0074945254861661e-20,
      2.0480611500726313e-21, 4.1163508229687336e-22, 8.18213033887879e-23, 1.6088477019906608e-23,
      3.130134588994347e-24, 6.027136014377796e-25, 1.1488277216166216e-25, 2.1681370190049663e-26,
      4.0522348683309774e-27, 7.501759711369654e-28, 1.3758578738308383e-28, 2.5003680969546183e-29,
      4.5032842565415064e-30, 8.039371260001835e-31, 1.4228258194389702e-31, 2.496809600212402e-32,
      4.344980960806408e-33, 7.499314560479131e-34, 1.2839462516994625e-34, 2.1808309855367255e-35,
      3.675390183261344e-36, 6.146752431222343e-37, 1.0202383133797033e-37, 1.680824300932013e-38,
      2.7488899460854903e-39, 4.463286686741156e-40, 7.195503991910547e-41, 1.1519188577077234e-41,
      1.831389434606916e-42, 2.8918803410359157e-43, 4.535886472068601e-44, 7.067512156026248e-45},
    {
      0.25539567631050575, 0.1067964618534896, 0.04180275260352655, 0.015460637764291003, 0.00544073853747227,
      0.0018316642757385847, 0.0005924699953317003, 0.00018477836716433832, 5.5728315250755926e-05,
      1.6293719258405878e-05, 4.628175346788834e-06, 1.2795215572414928e-06, 3.4485537205097473e-07,
      9.074012509839129e-08, 2.333930312202745e-08, 5.874869180578186e-09, 1.448695595108885e-09,
      3.5029152827769595e-10, 8.312361539483256e-11, 1.937308394610851e-11, 4.437744750261553e-12,
      9.997708995795624e-13, 2.2165481373658437e-13, 4.83879367049038e-14, 1.040657836056473e-14,
      2.205982398701947e-15, 4.611241202431414e-16, 9.509141912708624e-17, 1.9352948713497774e-17,
      3.8886566689717714e-18, 7.717090250369487e-19, 1.5130571734824994e-19, 2.931859939627805e-20,
      5.616273851860233e-21, 1.0638853936798581e-21, 1.9934303225717242e-22, 3.6955518286972954e-23,
      6.780107874769e-24, 1.2313317124965767e-24, 2.2140740768081263e-25, 3.9425844856747577e-26,
      6.953937461820365e-27, 1.2151414253860401e-27, 2.104025400487574e-28, 3.610619751311479e-29,
      6.141784223223459e-30, 1.0357664811594727e-30, 1.7320218131508567e-31, 2.872342160538756e-32,
      4.7247076777269613e-33, 7.709602499973455e-34, 1.2481518344048118e-34, 2.005114935063012e-35,
      3.1967126316687147e-36, 5.058416328626922e-37, 7.945561330703019e-38, 1.2390371651736852e-38,
      1.918416491352859e-39, 2.9494960927693567e-40, 4.50344838236945e-41, 6.82935472098489e-42,
      1.028713914154909e-42, 1.539331255701636e-43, 2.2884052794113706e-44, 3.380156874435506e-45,
      4.961150475459291e-46, 7.23614175558681e-47, 1.0489319774155012e-47, 1.5112581766928846e-48,
      2.1642908465997805e-49},
    {
      0.17900115118138996, 0.05437226000717287, 0.015884371159871336, 0.004479431018372575, 0.0012230390523768056,
      0.0003241255444968633, 8.355413962873856e-05, 2.0989464460185032e-05, 5.1464365620458675e-06,
      1.2333677275660953e-06, 2.8926667586951633e-07, 6.64668545377357e-08, 1.4977685376051542e-08,
      3.3128920630124725e-09, 7.198584552877319e-10, 1.537755596199036e-10, 3.2316472053502647e-11,
      6.68542864228184e-12, 1.3622429029619027e-12, 2.7354736141011924e-13, 5.4160081873154484e-14,
      1.0577820551491026e-14, 2.038783656243764e-15, 3.8795387676171604e-16, 7.291016882988466e-17,
      1.3537869621764967e-17, 2.4843507665069046e-18, 4.507272090551298e-19, 8.086922423867966e-20,
      1.4353071471661436e-20, 2.5206673215796905e-21, 4.381335165756364e-22, 7.539167324079883e-23,
      1.2845969506256966e-23, 2.1678685130604663e-24, 3.624207981186038e-25, 6.00336732613697e-26,
      9.855123153215932e-27, 1.6035949369327322e-27, 2.586840175598838e-28, 4.137714421265404e-29,
      6.563540727898619e-30, 1.032691525188485e-30, 1.611844722015425e-31, 2.4960823117448065e-32,
      3.83564457107548e-33, 5.849517132270273e-34, 8.854423112316588e-35, 1.33049591607304e-35,
      1.9848715771826397e-36, 2.9401377716729928e-37, 4.324824492865655e-38, 6.318040091589601e-39,
      9.167594209014243e-40, 1.3213932699575293e-40, 1.8921506905969652e-41, 2.6919573670658562e-42,
      3.805485896411257e-43, 5.345902062560274e-44, 7.463441619129406e-45, 1.0356231922738172e-45,
      1.4283842761665425e-46, 1.958412611044692e-47, 2.669398390009952e-48, 3.617478418880332e-49,
      4.874322659525699e-50, 6.53085339703825e-51, 8.701691463923056e-52, 1.1530429287827452e-52,
      1.5195833848042958e-53},
    {
      0.13699945762506138, 0.032383506095021455, 0.007465433244975571, 0.0016811820767461145, 0.00037035246899555643,
      7.99088803055555e-05, 1.690564925777815e-05, 3.5103666498408275e-06, 7.160456646037098e-07,
      1.4359644253910854e-07, 2.8331978889455118e-08, 5.5033685420523764e-09, 1.053084120207602e-09,
      1.986203171110721e-10, 3.6943264537616237e-11, 6.779634528080956e-12, 1.2280908031615515e-12,
      2.1967897828644112e-13, 3.881943222397633e-14, 6.779078883214297e-15, 1.1703116691119138e-15,
      1.9979354350158493e-16, 3.3739772282324925e-17, 5.637778641068281e-18, 9.323881431709832e-19,
      1.5265808547074787e-19, 2.4750446252922437e-20, 3.974540774745046e-21, 6.323059395673038e-22,
      9.967703561902283e-23, 1.5573186472747496e-23, 2.4118896598730866e-24, 3.7035173957844696e-25,
      5.639289100359386e-26, 8.516480915533619e-27, 1.2758267052262506e-27, 1.8962078303492313e-28,
      2.7964517464138274e-29, 4.09277437780895e-30, 5.945343565591013e-31, 8.573184757862722e-32,
      1.2273510548516703e-32, 1.744657399264781e-33, 2.4627353262593386e-34, 3.452560312550208e-35,
      4.8076053388411365e-36, 6.650079030494579e-37, 9.138611602737468e-38, 1.2477643289164965e-38,
      1.6928793008455027e-39, 2.2824504343131814e-40, 3.0584279494910986e-41, 4.0733817481413157e-42,
      5.39273679333801e-43, 7.0973593733559685e-44, 9.286520159984082e-45, 1.2081254676294055e-45,
      1.5628134349005123e-46, 2.0103451505834502e-47, 2.5717809310750243e-48, 3.2721092605114687e-49,
      4.140777793017826e-50, 5.212252075175285e-51, 6.526593533167339e-52, 8.1300458184635915e-53,
      1.007561601779047e-53, 1.2423634579840616e-54, 1.5242275181654399e-55, 1.8608013256408399e-56,
      2.2605999649539248e-57}};
  if (x < 4) {
    int cell = (int)x;
    const double *center = centers[cell];
    double step = cell + 1 - x;
    int last = (step < 0.5 ? 24 : 40) + n;
    if (last > count - 1) last = count - 1;
    for (int k = 0; k <= n; k++) {
      // The sum of center[k + j] (k + j)! / (k! j!) step^j, by Horner's rule.
      double sum = center[last];
      if (k == 0) {
        for (int j = last; j > 0; j--) sum = sum * step + center[j - 1];
      } else {
        for (int j = last - k; j > 0; j--) sum = sum * step * (k + j) / j + center[k + j - 1];
      }
      terms[k] = sum;
    }
    return;
  }
  // The ratios of neighbours, r[k] = J[k] / J[k - 1] = 1 / (2 x + 2 (k + 1) r[k + 1]), from the far end: a continued
  // fraction (DLMF 7.18.12).
  double ratios[ck_max_order + 2], r = 0;
  int far = n + 9 + (x < 30 ? (int)(400 / (x * x)) : 0);
  for (int k = far; k > n; k--) r = 0.5 / (x + (k + 1) * r);
  for (int k = n; k >= 0; k--) ratios[k] = r = 0.5 / (x + (k + 1) * r);
  double value = two_over_sqrt_pi;
  for (int k = 0; k <= n; k++) terms[k] = value *= k == 0 ? ratios[0] : 2 * ratios[k];
}

double ck_erfcx_order(int n, double x) {
  if (x != x) return NAN;
  double terms[ck_max_order + 1], factorial = 1;
  erfcx_terms(fabs(x), n, terms);
  for (int k = 2; k <= n; k++) factorial *= k;
  double size = terms[n] * factorial;
  if (x >= 0) return n % 2 ? -size : size;
  // erfcx(x) = 2 e^(x²) - erfcx(-x), and the polynomials of e^(x²)'s derivatives have positive coefficients.
  double y = -x, before = 0, polynomial = 1;
  for (int k = 0; k < n; k++) {
    double next = 2 * y * polynomial + 2 * k * before;
    before = polynomial;
    polynomial = next;
  }
  // In halves, so that the power overflows no earlier than the result.
  double half = exp_square(0.5, y), grown = half * (2 * polynomial) * half;
  return n % 2 ? -grown - size : grown - size;
}

double ck_erfcx(double x) {
  if (!(x >= 0)) return ck_erfcx_order(0, x);
  double value;
  erfcx_terms(x, 0, &value);
  return value;
}

// Gaussian functions ----------------------------------------------------------------------------------------

// The n-th derivative of e^(-c x²), c = 1/2 or 1, in the form of Hermite's polynomials: H[k+1] = 2 c (x H[k] - k
// H[k-1]) (DLMF 18.9).
static double gaussian_order(int n, double c, double x) {
  if (fabs(x) > 64) return x == x ? 0.0 : NAN;
  double before = 0, polynomial = 1;
  for (int k = 0; k < n; k++) {
    double next = 2 * c * (x * polynomial - k * before);
    before = polynomial;
    polynomial = next;
  }
  // In halves, so that what is large and what is small do not leave the range before they meet.
  double half = exp_square(-c / 2, x), value = half * polynomial * half;
  return n % 2 ? -value : value;
}

double ck_erf_order(int n, double x) { return n == 0 ? erf(x) : two_over_sqrt_pi * gaussian_order(n - 1, 1, x); }

double ck_ndtr_order(int n, double x) { return n == 0 ? ck_ndtr(x) : gaussian_order(n - 1, 0.5, x) / sqrt_2_pi; }

// The probability beyond x >= 0.7 on one side.
double ck_normal_tail(double x) {
  if (x < 37) return exp_square(-0.5, x) * (0.5 * ck_erfcx(x * sqrt_half));
  double half = exp_square(-0.25, x);
  return half * (0.5 * ck_erfcx(x * sqrt_half)) * half;
}

// In halves, so that the square does not underflow before the scale has its turn.
double ck_scaled_erfc(double x) {
  if (!(x > 5)) return 0x1p12 * erfc(x);
  if (x > 40) return 0;
  double half = exp_square(-0.5, x);
  return half * 0x1p12 * ck_erfcx(x) * half;
}

double ck_ndtr(double x) {
  if (x != x) return NAN;
  if (x <= -0.7) return ck_normal_tail(-x);
  if (x >= 0.7) return 1 - ck_normal_tail(x);
  return 0.5 + 0.5 * erf(x * sqrt_half);
}

// Inverses --------------------------------------------------------------------------------------------------

// The y > 0 beyond which the normal distribution has the probability q, 0 < q <= 1/4. Starts from Abramowitz and Stegun
// 26.2.23, within 4.5e-4; then two of Halley's steps for the logarithm of the probability.
static double normal_quantile_tail(double q) {
  double t = sqrt(-2 * log(q));
  double y = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
  for (int i = 0; i < 2; i++) {
    double half = exp_square(-0.25, y), mills = ck_erfcx(y * sqrt_half);
    double ratio = 0.5 * mills * half / q * half, hazard = sqrt_2_over_pi / mills;
    double newton = log(ratio) / hazard;
    y += newton / (1 + newton * (hazard - y) / 2);
  }
  return y;
}

// The y up to which the normal distribution has the probability d + 1/2, |d| <= 1/4: a series, then Halley's steps.
static double normal_quantile_center(double d) {
  if (fabs(d) < 0x1p-28) return sqrt_2_pi * d;
  double z = sqrt_2_pi * d, s = z * z;
  double y = z * (1 + s / 6 * (1 + s * (7.0 / 20 + s * (127.0 / 840))));
  for (int i = 0; i < 2; i++) {
    double newton = (0.5 * erf(y * sqrt_half) - d) * sqrt_2_pi * exp(0.5 * y * y);
    y -= newton / (1 + newton * y / 2);
  }
  return y;
}

double ck_ndtri(double p) {
  if (!(p >= 0 && p <= 1)) return NAN;
  if (p == 0 || p == 1) return p == 0 ? -INFINITY : INFINITY;
  if (p < 0.25) return -normal_quantile_tail(p);
  return p > 0.75 ? normal_quantile_tail(1 - p) : normal_quantile_center(p - 0.5);
}

double ck_erfinv(double x) {
  double a = fabs(x);
  if (!(a <= 1)) return NAN;
  if (a == 1) return copysign(INFINITY, x);
  if (a > 0.5) return copysign(normal_quantile_tail((1 - a) / 2) * sqrt_half, x);
  return a < 0x1p-28 ? half_sqrt_pi * x : normal_quantile_center(x / 2) * sqrt_half;
}

// The n-th derivative of an inverse y with y'' = 2 c y y'²: P[n](y) y'^n with P[1] = 1, P[n+1] = P[n]' + 2 c n y P[n],
// whose coefficients are positive. `power` is y'^n.
static double inverse_order(int n, double c, double y, double power) {
  double p[ck_max_order + 2] = {1};
  // Powers of the parity of m stand beside those of the step before.
  for (int m = 1; m < n; m++)
    for (int k = m % 2; k <= m; k += 2) {
      double slope = k + 1 < m ? (k + 1) * p[k + 1] : 0;
      p[k] = slope + (k > 0 ? 2 * c * m * p[k - 1] : 0);
    }
  double sum = p[n - 1];
  for (int k = n - 3; k >= 0; k -= 2) sum = sum * y * y + p[k];
  if (n % 2 == 0) sum *= y;
  return sum * power;
}

// x^n
static double integer_power(double x, int n) {
  double power = x;
  for (int k = 1; k < n; k++) power *= x;
  return power;
}

// y' is the reciprocal of the density: in the tails by way of the probability, on whose own scale it is.
double ck_ndtri_order(int n, double p) {
  double y = ck_ndtri(p), tail = p < 0.5 ? p : 1 - p;
  if (n == 0 || y != y) return y;
  if (tail > 0.3) return inverse_order(n, 0.5, y, pow(2 * pi, 0.5 * n) * exp(0.5 * n * (y * y)));
  double slope = tail == 0 ? INFINITY : sqrt_pi_over_2 * ck_erfcx(fabs(y) * sqrt_half) / tail;
  return inverse_order(n, 0.5, y, integer_power(slope, n));
}

double ck_erfinv_order(int n, double x) {
  double y = ck_erfinv(x), tail = 1 - fabs(x);
  if (n == 0 || y != y) return y;
  if (tail > 0.6) return inverse_order(n, 1, y, pow(pi / 4, 0.5 * n) * exp(n * (y * y)));
  double slope = tail == 0 ? INFINITY : half_sqrt_pi * ck_erfcx(fabs(y)) / tail;
  return inverse_order(n, 1, y, integer_power(slope, n));
}
