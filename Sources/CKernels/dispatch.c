#include "table.h"

extern const ck_kernels ck_kernels_baseline;
#if defined(__x86_64__)
extern const ck_kernels ck_kernels_avx2, ck_kernels_avx512;
#endif

size_t ck_all_kernels(const ck_kernels *tables[3]) {
  size_t count = 0;
  tables[count++] = &ck_kernels_baseline;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2"))
    tables[count++] = &ck_kernels_avx2;
  if (count == 2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    tables[count++] = &ck_kernels_avx512;
#endif
  return count;
}

const ck_kernels *ck_best_kernels(void) {
  const ck_kernels *tables[3];
  return tables[ck_all_kernels(tables) - 1];
}

const char *ck_name(const ck_kernels *table) { return table->name; }
ck_unary_fn ck_unary(const ck_kernels *table, int op, int dtype) { return table->unary[op][dtype]; }
ck_binary_fn ck_binary(const ck_kernels *table, int op, int dtype) {
  bool is_betainc = op >= CK_BETAINC && op <= CK_BETAINC_LAST;
  return is_betainc ? ck_betainc_kernel(op - CK_BETAINC, dtype) : table->binary[op][dtype];
}
ck_pair_fn ck_pair(const ck_kernels *table, int first, int second, int dtype) {
  return table->pair[dtype][first][second];
}
ck_with_slope_fn ck_tanh_with_slope(const ck_kernels *table, int dtype) { return table->tanh_with_slope[dtype]; }
ck_cast_fn ck_cast(const ck_kernels *table, int from, int to) { return table->cast[from][to]; }
ck_select_fn ck_select(const ck_kernels *table, int dtype) { return table->select[dtype]; }
ck_unary_fn ck_copy(const ck_kernels *table, int dtype) { return table->copy[dtype]; }
ck_gather_fn ck_gather(const ck_kernels *table, int dtype, bool narrow) { return table->gather[dtype][narrow]; }
ck_gather_fn ck_scatter_add(const ck_kernels *table, int dtype, bool narrow) {
  return table->scatter_add[dtype][narrow];
}
ck_gather_fn ck_scatter(const ck_kernels *table, int dtype, bool narrow) { return table->scatter[dtype][narrow]; }
ck_gather_fn ck_scatter_max(const ck_kernels *table, int dtype, bool narrow) {
  return table->scatter_max[dtype][narrow];
}
ck_reduce_fn ck_reduce(const ck_kernels *table, int op, int dtype) { return table->reduce[op][dtype]; }
ck_reduce_begin_fn ck_reduce_begin(const ck_kernels *table, int op, int dtype) {
  return table->reduce_by_parts[op][dtype].begin;
}
ck_reduce_feed_fn ck_reduce_feed(const ck_kernels *table, int op, int dtype) {
  return table->reduce_by_parts[op][dtype].feed;
}
ck_reduce_join_fn ck_reduce_join(const ck_kernels *table, int op, int dtype) {
  return table->reduce_by_parts[op][dtype].join;
}
ck_reduce_finish_fn ck_reduce_finish(const ck_kernels *table, int op, int dtype) {
  return table->reduce_by_parts[op][dtype].finish;
}
ck_scan_fn ck_scan(const ck_kernels *table, int op, int dtype) { return table->scan[op][dtype]; }
ck_matmul_fn ck_matmul(const ck_kernels *table, int dtype) { return table->matmul[dtype]; }
ck_matvec_fn ck_matvec(const ck_kernels *table, int dtype) { return table->matvec[dtype]; }
bool ck_fuses(const ck_kernels *table) { return table->fuses; }
