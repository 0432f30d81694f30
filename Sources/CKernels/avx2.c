// The kernels for x86-64 with AVX2. Multiply-adds are written as such; the compiler makes none of its own.
#if defined(__x86_64__)
#include <math.h>
#include <string.h>
#pragma clang attribute push(__attribute__((target("avx2,fma,bmi,bmi2"))), apply_to = function)
#define CK_TABLE ck_kernels_avx2
#define CK_TABLE_NAME avx2
#define CK_VECTOR_BYTES 32
#define CK_FUSES 1
#define GEMM_ROWS 6
#define GEMM_VECTORS 2
#include "kernels.inc"
#pragma clang attribute pop
#else
typedef int ck_kernels_avx2_is_for_x86_64;
#endif
