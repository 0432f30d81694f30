// Loops over vectors around the functions of glibc's libmvec, for C to call:
//
//   void ck_<table>_<function>_<dtype>(T *z, const T *x, size_t count)               z[i] = f(x[i])
//   void ck_<table>_<function>_<dtype>(T *z, const T *x, const T *y, size_t count)   z[i] = f(x[i], y[i])
//
// count is a multiple of the table's vector width, and not 0. In assembly because libmvec takes its vectors in
// registers, whereas clang passes those of AVX in memory unless the whole file is compiled for AVX: a target attribute
// does not change how arguments are passed.
#include "libmvec.h"
#ifdef CK_LIBMVEC

  .text

// Five registers that callees keep hold the pointers and the count; five pushes also align the stack as the ABI
// demands.
.macro begin name
  .globl \name
  .hidden \name
  .type \name, @function
  .p2align 4
\name:
  .cfi_startproc
  .irp register, rbx, r12, r13, r14, r15
  pushq %\register
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset \register, 0
  .endr
  movq %rdi, %rbx
  movq %rsi, %r12
.endm

// Legacy SSE code is slow while the upper halves of the registers are in use.
.macro end name, table
  .ifnc \table, baseline
  vzeroupper
  .endif
  .irp register, r15, r14, r13, r12, rbx
  popq %\register
  .cfi_adjust_cfa_offset -8
  .cfi_restore \register
  .endr
  ret
  .cfi_endproc
  .size \name, . - \name
.endm

.macro unary name, table, function, move, register, bytes, width
  begin \name
  movq %rdx, %r14
1:
  \move (%r12), %\register\()0
  call *\function@GOTPCREL(%rip)
  \move %\register\()0, (%rbx)
  addq $\bytes, %r12
  addq $\bytes, %rbx
  subq $\width, %r14
  jne 1b
  end \name, \table
.endm

.macro binary name, table, function, move, register, bytes, width
  begin \name
  movq %rdx, %r13
  movq %rcx, %r14
1:
  \move (%r12), %\register\()0
  \move (%r13), %\register\()1
  call *\function@GOTPCREL(%rip)
  \move %\register\()0, (%rbx)
  addq $\bytes, %r12
  addq $\bytes, %r13
  addq $\bytes, %rbx
  subq $\width, %r14
  jne 1b
  end \name, \table
.endm

.irp function, exp, expm1, log, log1p, log2, log10, sin, cos, tan, asin, acos, atan, sinh, cosh, asinh, \
    acosh, atanh, erf, erfc
  unary ck_baseline_\function\()_f64, baseline, _ZGVbN2v_\function, movups, xmm, 16, 2
  unary ck_baseline_\function\()_f32, baseline, _ZGVbN4v_\function\()f, movups, xmm, 16, 4
  unary ck_avx2_\function\()_f64, avx2, _ZGVdN4v_\function, vmovups, ymm, 32, 4
  unary ck_avx2_\function\()_f32, avx2, _ZGVdN8v_\function\()f, vmovups, ymm, 32, 8
  unary ck_avx512_\function\()_f64, avx512, _ZGVeN8v_\function, vmovups, zmm, 64, 8
  .ifnc \function, erf
  unary ck_avx512_\function\()_f32, avx512, _ZGVeN16v_\function\()f, vmovups, zmm, 64, 16
  .endif
.endr
  // The function of 16 floats says 1 from 3.65 on, 4 ulp too much.
  unary ck_avx512_erf_f32, avx512, _ZGVdN8v_erff, vmovups, ymm, 32, 8

.irp function, pow, atan2, hypot
  binary ck_baseline_\function\()_f64, baseline, _ZGVbN2vv_\function, movups, xmm, 16, 2
  binary ck_baseline_\function\()_f32, baseline, _ZGVbN4vv_\function\()f, movups, xmm, 16, 4
  binary ck_avx2_\function\()_f64, avx2, _ZGVdN4vv_\function, vmovups, ymm, 32, 4
  binary ck_avx2_\function\()_f32, avx2, _ZGVdN8vv_\function\()f, vmovups, ymm, 32, 8
  binary ck_avx512_\function\()_f64, avx512, _ZGVeN8vv_\function, vmovups, zmm, 64, 8
  binary ck_avx512_\function\()_f32, avx512, _ZGVeN16vv_\function\()f, vmovups, zmm, 64, 16
.endr

#endif

#if defined(__linux__) && defined(__ELF__)
  .section .note.GNU-stack, "", @progbits
#endif
