/// Answers lines of its input until that ends, so that the harness can take turns between programs:
///
///     CASE SIZE REPEATS      ->  the fewest seconds that it took, or "error: why"
///
/// The fewest, because whatever else a machine does can only add to them; how much results vary shows between the
/// rounds.
#define _GNU_SOURCE
#include "limits.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

volatile double limits_sink;
int limits_threads = 1;

typedef struct program {
  const char *name;
  bool (*prepare)(size_t size);
  void (*run)(void);
} program;

static const program programs[] = {
    {"chain-float32", chain_f32_prepare, chain_f32_run},
    {"chain-float64", chain_f64_prepare, chain_f64_run},
    {"network", network_prepare, network_run},
    {"product", product_prepare, product_run},
    {"product-of-ones", product_prepare, product_of_ones_run},
    {"tape", tape_prepare, tape_run},
    {"copy", copy_prepare, copy_run},
    {"read-numbers", read_numbers_prepare, read_numbers_run},
    {"write-numbers", write_numbers_prepare, write_numbers_run},
};

double limits_random(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (double)(int64_t)*state / 9223372036854775808.0;
}

typedef struct share {
  void (*body)(void *context, int part);
  void *context;
  int part;
} share;

static void *run_share(void *argument) {
  share *self = argument;
  self->body(self->context, self->part);
  return NULL;
}

void limits_parallel(int parts, void (*body)(void *context, int part), void *context) {
  pthread_t threads[256];
  share shares[256];
  for (int part = 1; part < parts; part++) {
    shares[part] = (share){body, context, part};
    if (pthread_create(&threads[part], NULL, run_share, &shares[part]) != 0) abort();
  }
  body(context, 0);
  for (int part = 1; part < parts; part++) pthread_join(threads[part], NULL);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double fewest_seconds(const program *self, int repeats) {
  double fewest = 1e9;
  self->run();
  for (int i = 0; i < repeats; i++) {
    double start = now(), seconds;
    self->run();
    seconds = now() - start;
    if (seconds < fewest) fewest = seconds;
  }
  return fewest;
}

static void answer(const char *name, size_t size, int repeats) {
  static const program *prepared;
  static size_t prepared_size;
  for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
    const program *self = &programs[i];
    if (strcmp(self->name, name) != 0) continue;
    if ((prepared != self || prepared_size != size) && !self->prepare(size)) {
      printf("error: not available here\n");
      return;
    }
    prepared = self;
    prepared_size = size;
    printf("%.9g\n", fewest_seconds(self, repeats < 1 ? 1 : repeats));
    return;
  }
  printf("error: no case is called %s\n", name);
}

int main(void) {
  cpu_set_t cpus;
  if (sched_getaffinity(0, sizeof cpus, &cpus) == 0) limits_threads = CPU_COUNT(&cpus);
  if (limits_threads > 256) limits_threads = 256;
  char name[64];
  size_t size;
  int repeats;
  while (scanf("%63s %zu %d", name, &size, &repeats) == 3) {
    answer(name, size, repeats);
    fflush(stdout);
  }
}
