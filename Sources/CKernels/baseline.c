// The kernels for any processor of the architecture.
#define CK_TABLE ck_kernels_baseline
#define CK_NAME "baseline"
#include "kernels.inc"
