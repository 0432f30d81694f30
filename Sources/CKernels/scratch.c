#include "scratch.h"

#include <pthread.h>
#include <stdlib.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;

// Freed with the thread.
static void make_key(void) {
  if (pthread_key_create(&key, free) != 0) abort();
}

void *ck_scratch(void) {
  pthread_once(&once, make_key);
  void *memory = pthread_getspecific(key);
  if (memory) return memory;
  if (posix_memalign(&memory, 64, CK_SCRATCH_BYTES) != 0) abort();
  pthread_setspecific(key, memory);
  return memory;
}

double *ck_tile(void) { return (double *)((char *)ck_scratch() + CK_PACKED_BYTES); }
