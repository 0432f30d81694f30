// Measures the elementary functions of every table of kernels that this processor can run against long double, at
// random points of many regions and at special values; prints the table of Sources/CKernels/README.md. Exits with 1 if
// an error is above its bound or a special value is wrong. Where long double is double (not x86) it can only tell gross
// errors.
//
//   cc -O2 -ISources/CKernels/include scripts/function-errors.c Sources/CKernels/*.[cS] -lmvec -lm -o
//   /tmp/function-errors /tmp/function-errors [thousands of points per function and dtype]
//
// With --every-float NAME: one function of one float at all floats.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "CKernels.h"

enum { COUNT = 4096 };
typedef long double real;

// In units in the last place, of libmvec's functions and of those that are made of several.
static double bound(int op, bool is_unary) {
  return (is_unary ? op == CK_SOFTPLUS || op == CK_LOG_SIGMOID : op == CK_LOGADDEXP || op == CK_XLOGY) ? 8 : 4;
}

// What is right -------------------------------------------------------------------------------------------------------

static real sigmoid(real x) { return x < 0 ? expl(x) / (1 + expl(x)) : 1 / (1 + expl(-x)); }
static real sech2(real x) {
  real e = expl(-2 * fabsl(x));
  return 4 * e / ((1 + e) * (1 + e));
}
static real gaussian(real x) { return expl(-x * x); }
static real softplus(real x) { return x > 0 ? x + log1pl(expl(-x)) : log1pl(expl(x)); }
static real log_sigmoid(real x) { return -softplus(-x); }
static real logaddexp(real x, real y) {
  if (isnan(x) || isnan(y)) return NAN;
  return x == y ? x + logl(2) : fmaxl(x, y) + log1pl(expl(-fabsl(x - y)));
}
static real xlogy(real x, real y) { return x == 0 && y == y ? 0 : x * logl(y); }

static const struct {
  int op;
  const char *name;
  real (*f)(real);
} unary[] = {{CK_EXP, "exp", expl},       {CK_EXPM1, "expm1", expm1l},         {CK_LOG, "log", logl},
             {CK_LOG1P, "log1p", log1pl}, {CK_LOG2, "log2", log2l},            {CK_LOG10, "log10", log10l},
             {CK_SIN, "sin", sinl},       {CK_COS, "cos", cosl},               {CK_TAN, "tan", tanl},
             {CK_ASIN, "asin", asinl},    {CK_ACOS, "acos", acosl},            {CK_ATAN, "atan", atanl},
             {CK_SINH, "sinh", sinhl},    {CK_COSH, "cosh", coshl},            {CK_TANH, "tanh", tanhl},
             {CK_ASINH, "asinh", asinhl}, {CK_ACOSH, "acosh", acoshl},         {CK_ATANH, "atanh", atanhl},
             {CK_ERF, "erf", erfl},       {CK_ERFC, "erfc", erfcl},            {CK_SIGMOID, "sigmoid", sigmoid},
             {CK_SOFTPLUS, "softplus", softplus}, {CK_LOG_SIGMOID, "log_sigmoid", log_sigmoid},
             {CK_SECH2, "sech2", sech2},  {CK_GAUSSIAN, "gaussian", gaussian}};
static const struct {
  int op;
  const char *name;
  real (*f)(real, real);
} binary[] = {{CK_POW, "pow", powl},
              {CK_ATAN2, "atan2", atan2l},
              {CK_HYPOT, "hypot", hypotl},
              {CK_LOGADDEXP, "logaddexp", logaddexp},
              {CK_XLOGY, "xlogy", xlogy}};

// The error in units in the last place of the exact value, or of what is to be taken instead; infinite if z is of
// another kind.
static double error(double z, real exact, real unit, int bits, int lowest) {
  if (isnan(exact) || isnan(z)) return isnan(exact) && isnan(z) ? 0 : INFINITY;
  real limit = ldexpl(1, bits == 53 ? 1024 : 128);
  if (isinf(exact)) return z == exact ? 0 : INFINITY;
  if (exact == 0) return z == 0 && !signbit(z) == !signbit(exact) ? 0 : INFINITY;
  // Too large for the type: infinite, or the largest number within the bound.
  real got = isinf(z) ? copysignl(limit, z) : z;
  if (fabsl(exact) > limit) exact = copysignl(limit, exact);
  int exponent;
  frexpl(fmaxl(fabsl(exact), fabsl(unit)), &exponent);
  return (double)(fabsl(got - exact) / ldexpl(1, exponent - bits < lowest ? lowest : exponent - bits));
}

// Where ---------------------------------------------------------------------------------------------------------------

static uint64_t state = 88172645463325252u;
static uint64_t bits(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state * 2685821657736338717u;
}
static double between(double low, double high) { return low + (high - low) * (double)(bits() >> 11) * 0x1p-53; }
static double either(double x) { return bits() & 1 ? x : -x; }

static const double special[] = {0,        -0.0,   1,          -1,        INFINITY,  -INFINITY,  NAN,      2,
                                 -2,       3,      -3,         0.5,       -0.5,      1.5,        -1.5,     1e308,
                                 -1e308,   1e38,   -1e38,      0x1p-1074, 0x1p-1022, -0x1p-1022, 0x1p-149, -0x1p-149,
                                 0x1p-126, 0x1p53, 0x1p53 + 2, 0x1p24,    1e10,      -1e10,      1e-10,    -745.2,
                                 -746,     709.79, -104,       88.73};
enum { SPECIAL = sizeof special / sizeof *special, REGIONS = 12 };

static double sample(int region, bool single) {
  int digits = single ? 24 : 53, low = single ? -149 : -1074, high = single ? 128 : 1024;
  switch (region) {
    case 0: {  // every exponent alike
      double x = 0;
      uint64_t pattern = bits();
      float f;
      if (single) memcpy(&f, &pattern, sizeof f), x = f;
      else memcpy(&x, &pattern, sizeof x);
      return isnan(x) ? (double)NAN : x;  // a signalling NaN has rules of its own
    }
    case 1: return between(-1, 1);
    case 2: return between(-10, 10);
    case 3: return between(-50, 50);
    case 4: return single ? between(-110, 110) : between(-760, 760);
    case 5: return either(exp2(between(-60, 10)));
    case 6: return 1 + either(exp2(between(-digits, 0)));
    case 7: return either(exp2(between(low, high)));
    case 8:
      return (double)(int64_t)(bits() % 2000001) * 1.5707963267948966 * (1 + ((double)(bits() % 9) - 4) * 0x1p-52);
    case 9: return either(exp2(between(10, 60)));
    case 10: return between(0, 4);
    default: return (double)(int64_t)(bits() % 41) - 20;
  }
}

// Measuring -----------------------------------------------------------------------------------------------------------

static const ck_kernels *tables[3];
static size_t table_count;
static int failures;
typedef struct {
  double worst[3];
} record;

static void measure(record *record, const char *name, bool single, int op, real (*f)(real), real (*g)(real, real),
                    const double *x, const double *y) {
  static float xf[COUNT], yf[COUNT], zf[COUNT];
  static double xd[COUNT], yd[COUNT], zd[COUNT];
  static real exact[COUNT];
  for (int i = 0; i < COUNT; i++) {
    xf[i] = (float)(xd[i] = single ? (float)x[i] : x[i]);
    yf[i] = (float)(yd[i] = single ? (float)y[i] : y[i]);
    exact[i] = f ? f(xd[i]) : g(xd[i], yd[i]);
  }
  for (size_t t = 0; t < table_count; t++) {
    void *z = single ? (void *)zf : zd, *a = single ? (void *)xf : xd, *b = single ? (void *)yf : yd;
    if (f) ck_unary(tables[t], op, single)(COUNT, z, 1, a, 1);
    else ck_binary(tables[t], op, single)(COUNT, z, 1, a, 1, b, 1);
    for (int i = 0; i < COUNT; i++) {
      double got = single ? (double)zf[i] : zd[i];
      real unit = op == CK_LOGADDEXP && !f && isfinite(exact[i]) ? fmaxl(xd[i], yd[i]) : 0;
      double e = error(got, exact[i], unit, single ? 24 : 53, single ? -149 : -1074);
      if (e > bound(op, f) && failures++ < 40)
        fprintf(stderr, "%s %s %s(%a, %a) = %a, not %La (%.3g ulp)\n", ck_name(tables[t]), single ? "f32" : "f64", name,
                xd[i], yd[i], got, exact[i], e);
      if (e > record->worst[t] && isfinite(e)) record->worst[t] = e;
    }
  }
}

static void print(const char *name, const record *double_, const record *single) {
  printf("| %-11s |", name);
  for (size_t t = 0; t < table_count; t++) printf(" %.2f |", double_->worst[t]);
  for (size_t t = 0; t < table_count; t++) printf(" %.2f |", single->worst[t]);
  printf("\n");
  fflush(stdout);
}

static void sweep(const char *name, int op, real (*f)(real), real (*g)(real, real), long points) {
  record records[2] = {{{0}}};
  double x[COUNT], y[COUNT];
  for (int single = 0; single < 2; single++) {
    for (int i = 0; i < COUNT; i++) x[i] = special[i % SPECIAL], y[i] = special[i / SPECIAL % SPECIAL];
    measure(&records[single], name, single, op, f, g, x, y);
    for (long done = 0; done < points; done += COUNT) {
      int block = (int)(done / COUNT);
      for (int i = 0; i < COUNT; i++)
        x[i] = sample(block % REGIONS, single), y[i] = g ? sample(block / REGIONS % REGIONS, single) : 1;
      measure(&records[single], name, single, op, f, g, x, y);
    }
  }
  print(name, &records[0], &records[1]);
}

static void every_float(const char *name, int op, real (*f)(real)) {
  record none = {{0}}, record = {{0}};
  double x[COUNT], y[COUNT] = {0};
  for (uint64_t base = 0; base < 1ull << 32; base += COUNT) {
    for (int i = 0; i < COUNT; i++) {
      uint32_t pattern = (uint32_t)base + (uint32_t)i;
      float single;
      memcpy(&single, &pattern, sizeof single);
      x[i] = single;
    }
    measure(&record, name, true, op, f, NULL, x, y);
  }
  print(name, &none, &record);
}

int main(int argc, char **argv) {
  table_count = ck_all_kernels(tables);
  bool all = argc == 3 && strcmp(argv[1], "--every-float") == 0;
  long points = argc == 2 ? 1000 * atol(argv[1]) : 1000000;
  for (size_t i = 0; i < sizeof unary / sizeof *unary; i++)
    if (!all) sweep(unary[i].name, unary[i].op, unary[i].f, NULL, points);
    else if (strcmp(argv[2], unary[i].name) == 0) every_float(unary[i].name, unary[i].op, unary[i].f);
  for (size_t i = 0; i < sizeof binary / sizeof *binary; i++)
    if (!all) sweep(binary[i].name, binary[i].op, NULL, binary[i].f, points);
  return failures > 0;
}
