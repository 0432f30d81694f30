#define _GNU_SOURCE
#include "CSystem.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

_Static_assert(sizeof(pthread_mutex_t) <= system_lock_bytes, "the lock needs more room");

/// Above those that workers are given, so that handing one on overwrites none.
enum { first_descriptor = 64 };

int system_shared_create(const char *name, uint64_t wanted, uint64_t *size) {
  struct rlimit limit;
  // To reach beyond the limit of a file's size would end the process by SIGXFSZ.
  if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < wanted)
    wanted = limit.rlim_cur;
  uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
  wanted = wanted / page * page;
  int made = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (made < 0) return -1;
  int descriptor = fcntl(made, F_DUPFD_CLOEXEC, first_descriptor);
  int error = errno;
  close(made);
  if (descriptor < 0) {
    errno = error;
    return -1;
  }
  // Nobody can cut off what others have mapped.
  if (ftruncate(descriptor, (off_t)wanted) == 0 && fcntl(descriptor, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0) {
    *size = wanted;
    return descriptor;
  }
  error = errno;
  close(descriptor);
  errno = error;
  return -1;
}

bool system_shared_allocate(int descriptor, uint64_t offset, uint64_t size) {
  int result;
  do result = fallocate(descriptor, FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)size);
  while (result != 0 && errno == EINTR);
  return result == 0;
}

bool system_shared_discard(int descriptor, uint64_t offset, uint64_t size) {
  int result;
  do result = fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)size);
  while (result != 0 && errno == EINTR);
  return result == 0;
}

bool system_lock_make(void *lock) {
  pthread_mutexattr_t attributes;
  if (pthread_mutexattr_init(&attributes) != 0) return false;
  bool is_made = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0 &&
                 pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0 &&
                 // A thread that has it already is refused instead of waiting for itself.
                 pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK) == 0 &&
                 pthread_mutex_init(lock, &attributes) == 0;
  pthread_mutexattr_destroy(&attributes);
  return is_made;
}

system_lock_outcome system_lock_take(void *lock, unsigned seconds) {
  int result;
  if (seconds == 0) {
    result = pthread_mutex_trylock(lock);
  } else {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += seconds;
    result = pthread_mutex_clocklock(lock, CLOCK_MONOTONIC, &until);
  }
  if (result == 0) return system_lock_taken;
  return result == EOWNERDEAD ? system_lock_abandoned : system_lock_refused;
}

void system_lock_mend(void *lock) { pthread_mutex_consistent(lock); }

void system_lock_release(void *lock) { pthread_mutex_unlock(lock); }
