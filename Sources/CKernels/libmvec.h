// Whether glibc's vector functions are there; read by C and by libmvec.S.
//
// libmvec has two names a function, "exp" and "pow" standing for all of one and two operands: _ZGVbN2v_exp takes a
// vector of two doubles (SSE), _ZGVdN4v_exp of four (AVX2), _ZGVeN8v_exp of eight (AVX-512); _ZGVbN4v_expf, … as many
// floats again; _ZGVbN2vv_pow, …. All of the functions used here exist since glibc 2.35. musl, macOS and other
// processors go without: there each element is a call of libm.
#ifndef CKERNELS_LIBMVEC_H
#define CKERNELS_LIBMVEC_H

#if defined(__x86_64__) && defined(__linux__)
#include <features.h>
#if defined(__GLIBC__)
#if __GLIBC_PREREQ(2, 35)
#define CK_LIBMVEC 1
#endif
#endif
#endif

#endif
