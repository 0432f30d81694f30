/// What is mostly matrix products, with OpenBLAS.
///
/// OpenBLAS is loaded at run time: the harness has it unpacked in a folder of its own, since installing it would change
/// what the whole machine takes for BLAS. Old versions do not know new processors and fall back to kernels for very old
/// ones, so the kernels are named by what the processor can do, before the library looks.
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "limits.h"

enum { row_major = 101, plain = 111, transposed = 112 };

typedef void sgemm_function(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha,
                            const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc);

static sgemm_function *sgemm;

static bool load_blas(void) {
  if (sgemm != NULL) return true;
  if (getenv("OPENBLAS_CORETYPE") == NULL) {
    if (__builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw"))
      setenv("OPENBLAS_CORETYPE", "SkylakeX", 1);
    else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) setenv("OPENBLAS_CORETYPE", "Haswell", 1);
  }
  char threads[16];
  snprintf(threads, sizeof threads, "%d", limits_threads);
  setenv("OPENBLAS_NUM_THREADS", threads, 1);
  const char *path = getenv("BENCH_OPENBLAS");
  void *library = path != NULL ? dlopen(path, RTLD_NOW) : NULL;
  if (library == NULL) return false;
  // By way of an integer, because ISO C knows no conversion from data to functions.
  sgemm = (sgemm_function *)(uintptr_t)dlsym(library, "cblas_sgemm");
  return sgemm != NULL;
}

static float *matrix(size_t rows, size_t columns, double scale) {
  static uint64_t seed = 1;
  float *values = malloc(rows * columns * sizeof *values);
  if (values == NULL) abort();
  for (size_t i = 0; i < rows * columns; i++) values[i] = (float)(scale * limits_random(&seed));
  return values;
}

// MARK: - The network: mean((tanh(x·w1 + b1)·w2 + b2)²), and its gradients by all five inputs

enum { examples = 64, inputs = 784, hidden = 256, classes = 10 };
static float *x, *w1, *b1, *w2, *b2, *h, *y, *ct_x, *ct_w1, *ct_b1, *ct_w2, *ct_b2, *ct_h, *ct_y;

bool network_prepare(size_t size) {
  (void)size;
  if (!load_blas()) return false;
  if (x != NULL) return true;
  x = matrix(examples, inputs, 1), w1 = matrix(inputs, hidden, 0.05), b1 = matrix(1, hidden, 0.1);
  w2 = matrix(hidden, classes, 0.1), b2 = matrix(1, classes, 0.1), h = matrix(examples, hidden, 1),
  y = matrix(examples, classes, 1);
  ct_x = matrix(examples, inputs, 1), ct_w1 = matrix(inputs, hidden, 1), ct_b1 = matrix(1, hidden, 1);
  ct_w2 = matrix(hidden, classes, 1), ct_b2 = matrix(1, classes, 1), ct_h = matrix(examples, hidden, 1),
  ct_y = matrix(examples, classes, 1);
  return true;
}

static void add_rows(float *restrict sums, const float *restrict rows, int width) {
  for (int j = 0; j < width; j++) sums[j] = 0;
  for (int i = 0; i < examples; i++)
    for (int j = 0; j < width; j++) sums[j] += rows[i * width + j];
}

void network_run(void) {
  sgemm(row_major, plain, plain, examples, hidden, inputs, 1, x, inputs, w1, hidden, 0, h, hidden);
  for (int i = 0; i < examples; i++)
    for (int j = 0; j < hidden; j++) h[i * hidden + j] = tanhf(h[i * hidden + j] + b1[j]);
  sgemm(row_major, plain, plain, examples, classes, hidden, 1, h, hidden, w2, classes, 0, y, classes);
  float loss = 0;
  for (int i = 0; i < examples; i++)
    for (int j = 0; j < classes; j++) {
      float value = y[i * classes + j] + b2[j];
      loss += value * value / (examples * classes);
      ct_y[i * classes + j] = 2 * value / (examples * classes);
    }
  add_rows(ct_b2, ct_y, classes);
  sgemm(row_major, transposed, plain, hidden, classes, examples, 1, h, hidden, ct_y, classes, 0, ct_w2, classes);
  sgemm(row_major, plain, transposed, examples, hidden, classes, 1, ct_y, classes, w2, classes, 0, ct_h, hidden);
  for (int i = 0; i < examples * hidden; i++) ct_h[i] *= 1 - h[i] * h[i];
  add_rows(ct_b1, ct_h, hidden);
  sgemm(row_major, transposed, plain, inputs, hidden, examples, 1, x, inputs, ct_h, hidden, 0, ct_w1, hidden);
  sgemm(row_major, plain, transposed, examples, inputs, hidden, 1, ct_h, hidden, w1, hidden, 0, ct_x, inputs);
  limits_sink = loss + ct_x[1] + ct_w1[1] + ct_w2[1] + ct_b1[1] + ct_b2[1];
}

// MARK: - The product: c = a·b and both gradients, for cotangents that are given in full

static float *a, *b, *c, *ct, *ct_a, *ct_b;
static int order;

bool product_prepare(size_t size) {
  if (!load_blas()) return false;
  if (size > 1 << 14) return false;
  if ((int)size == order) return true;
  float **all[] = {&a, &b, &c, &ct, &ct_a, &ct_b};
  for (int i = 0; i < 6; i++) {
    free(*all[i]);
    *all[i] = matrix(size, size, 1);
  }
  order = (int)size;
  return true;
}

void product_run(void) {
  sgemm(row_major, plain, plain, order, order, order, 1, a, order, b, order, 0, c, order);
  sgemm(row_major, plain, transposed, order, order, order, 1, ct, order, b, order, 0, ct_a, order);
  sgemm(row_major, transposed, plain, order, order, order, 1, a, order, ct, order, 0, ct_b, order);
  limits_sink = c[1] + ct_a[1] + ct_b[1];
}

/// The same for cotangents of ones: what the ways back multiply with has rows or columns that are all alike.
void product_of_ones_run(void) {
  size_t n = (size_t)order;
  sgemm(row_major, plain, plain, order, order, order, 1, a, order, b, order, 0, c, order);
  for (size_t i = 0; i < n; i++) {
    float sum = 0;
    for (size_t j = 0; j < n; j++) sum += b[i * n + j];
    ct_a[i] = sum;
  }
  for (size_t i = 1; i < n; i++) memcpy(ct_a + i * n, ct_a, n * sizeof *ct_a);
  // Sums of the columns of a; each then fills a row.
  static float sums[1 << 14];
  for (size_t k = 0; k < n; k++) sums[k] = 0;
  for (size_t i = 0; i < n; i++)
    for (size_t k = 0; k < n; k++) sums[k] += a[i * n + k];
  for (size_t i = 0; i < n * n; i++) ct_b[i] = sums[i / n];
  limits_sink = c[1] + ct_a[1] + ct_b[1];
}
