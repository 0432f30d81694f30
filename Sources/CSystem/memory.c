#define _GNU_SOURCE
#include "CSystem.h"

#include <malloc.h>
#include <sys/mman.h>

void system_tune_malloc(size_t most) {
  // The most glibc takes: larger blocks are always mapped by themselves.
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, most < 128 << 20 ? (int)most : 128 << 20);
  // Each further arena would keep a heap of its own.
  mallopt(M_ARENA_MAX, 2);
}

void system_trim_malloc(void) { malloc_trim(0); }

void *system_map(void *base, size_t size, size_t wanted) {
  void *grown = base == NULL ? mmap(NULL, wanted, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                             : mremap(base, size, wanted, MREMAP_MAYMOVE);
  return grown == MAP_FAILED ? NULL : grown;
}

void system_unmap(void *base, size_t size) { munmap(base, size); }
