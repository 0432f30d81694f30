// The kernels of I(a, b, x) and its derivatives. An element costs so much more than its loop that one loop does for all
// orders and tables; a kernel is that loop with the orders it stands for.
#include "families.h"
#include "table.h"

#define KERNEL_PARAMETERS size_t n, void *zv, ptrdiff_t dz, const void *xv, ptrdiff_t dx, const void *yv, ptrdiff_t dy

// Of three operands, the first of which z holds.
#define LOOP(NAME, T)                                                                         \
  static __attribute__((noinline)) ptrdiff_t NAME(int index, KERNEL_PARAMETERS) {             \
    T *z = zv;                                                                                \
    const T *x = xv, *y = yv;                                                                 \
    for (ptrdiff_t i = 0; i < (ptrdiff_t)n; i++)                                              \
      z[i * dz] = (T)ck_betainc_partial(index, z[i * dz], x[i * dx], y[i * dy]);              \
    return -1;                                                                                \
  }
LOOP(of_f64, double)
LOOP(of_f32, float)

#define EACH_INDEX(DO)                                                                                                \
  DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11) DO(12) DO(13) DO(14) DO(15) DO(16) DO(17) \
  DO(18) DO(19) DO(20) DO(21) DO(22) DO(23) DO(24) DO(25) DO(26) DO(27) DO(28) DO(29) DO(30) DO(31) DO(32) DO(33) DO(34)

#define KERNELS(INDEX)                                                                                  \
  static ptrdiff_t f64_##INDEX(KERNEL_PARAMETERS) { return of_f64(INDEX, n, zv, dz, xv, dx, yv, dy); }  \
  static ptrdiff_t f32_##INDEX(KERNEL_PARAMETERS) { return of_f32(INDEX, n, zv, dz, xv, dx, yv, dy); }
EACH_INDEX(KERNELS)

#define ENTRY(INDEX) {f64_##INDEX, f32_##INDEX},
static const ck_binary_fn kernels[CK_BETAINC_COUNT][2] = {EACH_INDEX(ENTRY)};

ck_binary_fn ck_betainc_kernel(int index, int dtype) {
  return dtype == CK_FLOAT64 ? kernels[index][0] : dtype == CK_FLOAT32 ? kernels[index][1] : NULL;
}
