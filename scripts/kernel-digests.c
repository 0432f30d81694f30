// Runs the kernels on random operands, with several lengths and strides. Of those whose results do not depend on the
// processor it prints a digest; the results of the others, whose last places are the C library's, go to a file. The
// order of a table's products is left out where it does not multiply and add with one rounding.
// scripts/arm64-kernels.sh compares two processors' lists and files.
//
//   kernel-digests TABLE FILE    baseline, avx2 or avx512
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "CKernels.h"

enum { COUNT = 5000, ROOM = COUNT * 4 };
static uint64_t state = 88172645463325252u;
static _Alignas(64) uint8_t x[ROOM * 8], y[ROOM * 8], z[ROOM * 8], scratch[ROOM * 32];
static FILE *others;
static const size_t widths[] = {8, 4, 8, 4, 1};

static uint64_t draw(void) {
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}

static void fill(void *to, int dtype, size_t count) {
  for (size_t i = 0; i < count; i++) {
    double value = (double)(int64_t)draw() / 9e18 * 8;
    if (dtype == CK_FLOAT64) ((double *)to)[i] = value;
    if (dtype == CK_FLOAT32) ((float *)to)[i] = (float)value;
    if (dtype == CK_INT64) ((int64_t *)to)[i] = (int64_t)value;
    if (dtype == CK_INT32) ((int32_t *)to)[i] = (int32_t)value;
    if (dtype == CK_BOOL) ((uint8_t *)to)[i] = value > 0;
  }
}

static void prepare(int dtype) {
  fill(x, dtype, ROOM);
  fill(y, dtype, ROOM);
  memset(z, 0, sizeof z);
}

static void digest(const char *kind, int op, int dtype) {
  uint64_t hash = 14695981039346656037u;
  for (size_t i = 0; i < sizeof z; i++) hash = (hash ^ z[i]) * 1099511628211u;
  printf("%s %d %d %016" PRIx64 "\n", kind, op, dtype, hash);
}

// A line that names the kernel, then the ROOM numbers of z.
static void keep(const char *kind, int op, int dtype) {
  fprintf(others, "%s %d %d\n", kind, op, dtype);
  fwrite(z, widths[dtype], ROOM, others);
}

static bool is_exact_unary(int op, int dtype) {
  return dtype > CK_FLOAT32 || op < CK_EXP || op == CK_RELU || op == CK_ZERO_OF || op == CK_LENGTH_OF || op >= CK_ISNAN;
}
static bool is_exact_binary(int op, int dtype) {
  return dtype > CK_FLOAT32 || op <= CK_DIV || op == CK_MAXIMUM || op == CK_MINIMUM || op == CK_REMAINDER ||
         op == CK_DIRECTION || op == CK_INVERSION || op == CK_PER_LENGTH || op == CK_PRODUCT_QUOTIENT || op >= CK_EQUAL;
}

static void elementwise(const ck_kernels *table, int dtype) {
  for (int op = 0; op < CK_UNARY_COUNT; op++) {
    if (!ck_unary(table, op, dtype)) continue;
    prepare(dtype);
    // The sign of a NaN is the processor's choice.
    if (op == CK_SQRT || op == CK_RSQRT) ck_unary(table, CK_ABS, dtype)(ROOM, x, 1, x, 1);
    for (size_t n = 1, at = 0; n < 600; at += 2 * n, n = n * 2 + 1) {
      size_t place = at * widths[dtype];
      ck_unary(table, op, dtype)(n, z + place, 1, x + place, 2);
    }
    (is_exact_unary(op, dtype) ? digest : keep)("unary", op, dtype);
  }
  for (int op = 0; op < CK_BINARY_COUNT; op++) {
    if (!ck_binary(table, op, dtype)) continue;
    prepare(dtype);
    for (size_t n = 1, at = 0; n < 600; at += 2 * n, n = n * 2 + 1) {
      size_t place = at * widths[dtype];
      ck_binary(table, op, dtype)(n, z + place, 1, x + place, 1, y + place, (ptrdiff_t)(n % 3));
    }
    (is_exact_binary(op, dtype) ? digest : keep)("binary", op, dtype);
  }
  for (int to = 0; to < CK_DTYPE_COUNT; to++) {
    if (!ck_cast(table, dtype, to)) continue;
    prepare(dtype);
    ck_cast(table, dtype, to)(COUNT, z, 1, x, 1);
    digest("cast", to, dtype);
  }
}

static void lines(const ck_kernels *table, int dtype) {
  for (int op = 0; op < CK_REDUCE_COUNT; op++) {
    if (!ck_reduce(table, op, dtype)) continue;
    prepare(dtype);
    ck_reduce(table, op, dtype)(1, COUNT, z, x, 1, 1, NULL);
    ck_reduce(table, op, dtype)(70, 63, z + 64, x, 1, 70, NULL);
    ck_reduce(table, op, dtype)(70, 63, z + 64 + 70 * 8, x, 63, 1, NULL);
    digest("reduce", op, dtype);
  }
  for (int op = CK_CUMSUM; op <= CK_ARGSORT; op++) {
    if (!ck_scan(table, op, dtype)) continue;
    prepare(dtype);
    ck_scan(table, op, dtype)(COUNT, z, 1, x, 1, op == CK_ARGSORT ? scratch : y, 1, NULL);
    digest("scan", op, dtype);
  }
}

static void products(const ck_kernels *table, int dtype) {
  if (dtype <= CK_FLOAT32 && !ck_fuses(table)) return;
  static const size_t sizes[][3] = {{1, 1, 1}, {7, 9, 300}, {33, 65, 17}, {64, 64, 64}, {2, 130, 60}, {61, 3, 80}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    size_t m = sizes[i][0], n = sizes[i][1], k = sizes[i][2];
    prepare(dtype);
    if (ck_matmul(table, dtype)) {
      ck_matmul(table, dtype)(m, n, k, z, x, (ptrdiff_t)k, 1, y, (ptrdiff_t)n, 1, NULL);
      digest("product", (int)i, dtype);
      ck_matmul(table, dtype)(m, n, k, z, x, 1, (ptrdiff_t)m, y, 1, (ptrdiff_t)k, NULL);
      digest("transposed product", (int)i, dtype);
    }
    if (ck_matvec(table, dtype)) {
      ck_matvec(table, dtype)(m, k, z, x, (ptrdiff_t)k, 1, y, 1, NULL);
      digest("vector", (int)i, dtype);
    }
  }
}

int main(int count, char **arguments) {
  const ck_kernels *tables[3];
  size_t tables_count = ck_all_kernels(tables);
  for (size_t i = 0; i < tables_count; i++) {
    if (count != 3 || strcmp(ck_name(tables[i]), arguments[1]) != 0 || !(others = fopen(arguments[2], "wb"))) continue;
    for (int dtype = 0; dtype < CK_DTYPE_COUNT; dtype++) {
      elementwise(tables[i], dtype);
      lines(tables[i], dtype);
      products(tables[i], dtype);
    }
    return fclose(others) != 0;
  }
  fprintf(stderr, "usage: kernel-digests TABLE FILE, of those that this processor can run\n");
  return 2;
}
