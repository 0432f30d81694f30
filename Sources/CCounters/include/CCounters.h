/// Counters in memory that processes share.
///
/// In C because Swift's atomics live in variables of Swift, not in mapped memory of which every process has a view,
/// because a variable for each thread costs Swift a call of the C library, and because memfd_create is hidden from it.
#ifndef AUTOGRAD_CCOUNTERS_H
#define AUTOGRAD_CCOUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// The descriptor of zeroed memory without a name in any file system, closed on exec; -1 with `errno`.
int counters_create(size_t size);

/// The number of the calling thread among those that have asked, from 0. No other thread of the process ever has it.
unsigned counters_thread(void);

/// Adds; wraps round, so that a negative amount takes away.
/// \param is_owned whether nobody else writes this cell: then an addition costs as little as any, and readers still
/// never see half of it.
static inline void counters_add(uint64_t *cell, uint64_t amount, bool is_owned) {
  if (is_owned)
    __atomic_store_n(cell, __atomic_load_n(cell, __ATOMIC_RELAXED) + amount, __ATOMIC_RELAXED);
  else
    __atomic_fetch_add(cell, amount, __ATOMIC_RELAXED);
}

/// Adds one, and returns what the cell then is.
static inline uint64_t counters_next(uint64_t *cell) { return __atomic_add_fetch(cell, 1, __ATOMIC_ACQ_REL); }

static inline uint64_t counters_load(const uint64_t *cell) { return __atomic_load_n(cell, __ATOMIC_ACQUIRE); }

static inline void counters_store(uint64_t *cell, uint64_t value) { __atomic_store_n(cell, value, __ATOMIC_RELEASE); }

/// Sets bits.
static inline void counters_or(uint64_t *cell, uint64_t bits) { __atomic_fetch_or(cell, bits, __ATOMIC_RELEASE); }

/// Makes the cell no less than `value`, and returns what it then is.
static inline uint64_t counters_raise(uint64_t *cell, uint64_t value) {
  uint64_t seen = __atomic_load_n(cell, __ATOMIC_RELAXED);
  while (seen < value && !__atomic_compare_exchange_n(cell, &seen, value, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {}
  return seen < value ? value : seen;
}

/// Sets a cell that is still 0, and returns what it then is.
static inline uint64_t counters_settle(uint64_t *cell, uint64_t value) {
  uint64_t seen = 0;
  return __atomic_compare_exchange_n(cell, &seen, value, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE) ? value : seen;
}

#endif
