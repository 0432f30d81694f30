#include "CKernels.h"

#include <pthread.h>

// One lock for the flags of all runs: only those that pause, go on again or end take it.
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

enum { GO = 0, END = 1, PAUSE = 2 };

static int32_t value(const int32_t *flag) { return __atomic_load_n(flag, __ATOMIC_RELAXED); }

static bool set(int32_t *flag, int32_t from, int32_t to) {
  return __atomic_compare_exchange_n(flag, &from, to, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

bool ck_is_ended(const int32_t *flag) { return value(flag) == END; }

// Where this thread is counted while it does not sleep here.
static _Thread_local int32_t *awake;

int32_t *ck_count_while_awake(int32_t *count) {
  int32_t *before = awake;
  awake = count;
  return before;
}

int32_t ck_count(const int32_t *count) { return value(count); }

int32_t ck_count_add(int32_t *count, int32_t change) { return __atomic_add_fetch(count, change, __ATOMIC_RELAXED); }

bool ck_waits_and_ends(const int32_t *flag) {
  if (value(flag) == PAUSE) {
    if (awake) ck_count_add(awake, -1);
    pthread_mutex_lock(&mutex);
    while (value(flag) == PAUSE) pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
    if (awake) ck_count_add(awake, 1);
  }
  return ck_is_ended(flag);
}

void ck_raise(int32_t *flag) {
  if (__atomic_exchange_n(flag, END, __ATOMIC_RELAXED) != PAUSE) return;
  pthread_mutex_lock(&mutex);
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&mutex);
}

void ck_pause(int32_t *flag) { set(flag, GO, PAUSE); }

void ck_resume(int32_t *flag) {
  if (!set(flag, PAUSE, GO)) return;
  pthread_mutex_lock(&mutex);
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&mutex);
}
