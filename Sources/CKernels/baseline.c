// The kernels for any processor of the architecture.
#define CK_TABLE ck_kernels_baseline
#define CK_TABLE_NAME baseline
#define CK_VECTOR_BYTES 16
#if defined(__aarch64__)
#define CK_FUSES 1
#define GEMM_ROWS 8
#else
#define CK_FUSES 0
#define GEMM_ROWS 4
#endif
#define GEMM_VECTORS 2
#include "kernels.inc"
