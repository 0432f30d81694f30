// What a table of kernels holds.
#ifndef CKERNELS_TABLE_H
#define CKERNELS_TABLE_H

#include "CKernels.h"

// NULL where an operation does not take a dtype.
struct ck_kernels {
  const char *name;
  ck_unary_fn unary[CK_UNARY_COUNT][CK_DTYPE_COUNT];
  ck_binary_fn binary[CK_BINARY_COUNT][CK_DTYPE_COUNT];
  ck_with_slope_fn tanh_with_slope[2];
  ck_pair_fn pair[2][CK_DIV + 1][CK_SECOND_COUNT];  // [dtype][first][second]
  ck_cast_fn cast[CK_DTYPE_COUNT][CK_DTYPE_COUNT];  // [from][to]
  ck_select_fn select[CK_DTYPE_COUNT];
  ck_unary_fn copy[CK_DTYPE_COUNT];
  ck_gather_fn gather[CK_DTYPE_COUNT][2];  // [][whether indices are int32]
  ck_gather_fn scatter_add[CK_DTYPE_COUNT][2];
  ck_gather_fn scatter[CK_DTYPE_COUNT][2];
  ck_gather_fn scatter_max[CK_DTYPE_COUNT][2];
  ck_reduce_fn reduce[CK_REDUCE_COUNT][CK_DTYPE_COUNT];
  struct {
    ck_reduce_begin_fn begin;
    ck_reduce_feed_fn feed;
    ck_reduce_join_fn join;
    ck_reduce_finish_fn finish;
  } reduce_by_parts[CK_REDUCE_COUNT][CK_DTYPE_COUNT];
  ck_scan_fn scan[CK_SCAN_COUNT][CK_DTYPE_COUNT];
  ck_matmul_fn matmul[CK_DTYPE_COUNT];
  ck_matvec_fn matvec[CK_DTYPE_COUNT];
  bool fuses;
};

// The kernels from CK_BETAINC on, by number: the same in every table.
ck_binary_fn ck_betainc_kernel(int index, int dtype);

#endif
