// The kernels for x86-64 with AVX-512. Multiply-adds are written as such; the compiler makes none of its own.
#if defined(__x86_64__)
#include <math.h>
#include <string.h>
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi,bmi2"))), \
                             apply_to = function)
#define CK_TABLE ck_kernels_avx512
#define CK_TABLE_NAME avx512
#define CK_VECTOR_BYTES 64
#define CK_FUSES 1
#define GEMM_ROWS 12
#define GEMM_VECTORS 2
#include "kernels.inc"
#pragma clang attribute pop
#else
typedef int ck_kernels_avx512_is_for_x86_64;
#endif
