#include "limits.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define REAL float
#define NAME(name) chain_f32_##name
#define FN(name) name##f
#include "chain.inc"
#undef REAL
#undef NAME
#undef FN

#define REAL double
#define NAME(name) chain_f64_##name
#define FN(name) name
#include "chain.inc"
