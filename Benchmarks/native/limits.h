/// The limit programs: the same work written by hand in C, with everything known beforehand and nothing else to do.
///
/// A case runs once and leaves its result where the compiler must believe that somebody looks. Memory is made and
/// touched when the case is prepared, which is not measured.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Where results go, so that no work is left out as useless.
extern volatile double limits_sink;

/// Threads that a case may use: as many as there are CPUs for this process.
extern int limits_threads;

/// Runs `body(context, part)` for every part, one thread each; the calling thread takes part 0.
void limits_parallel(int parts, void (*body)(void *context, int part), void *context);

/// Uniform between -1 and 1, the same in every run.
double limits_random(uint64_t *state);

/// The elementwise chain over n elements.
bool chain_f32_prepare(size_t n);
bool chain_f64_prepare(size_t n);
void chain_f32_run(void);
void chain_f64_run(void);

/// The network, the matrix product of order n; false without OpenBLAS.
bool network_prepare(size_t);
void network_run(void);
bool product_prepare(size_t n);
void product_run(void);
void product_of_ones_run(void);

/// A chain of n operations on single numbers, as data.
bool tape_prepare(size_t n);
void tape_run(void);

/// Copying n bytes.
bool copy_prepare(size_t n);
void copy_run(void);

/// Reading n numbers of text with strtod, writing n numbers with as few digits as read back.
bool read_numbers_prepare(size_t n);
void read_numbers_run(void);
bool write_numbers_prepare(size_t n);
void write_numbers_run(void);
