#define _GNU_SOURCE
#include "internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
  /// Clients that have said nothing yet are kept here; beyond so many the oldest is handed over unheard.
  capacity = 256,
  /// Milliseconds after which a client is handed over that has said nothing.
  patience = 50,
};

/// What an event is about: numbers that no place in the ring has.
enum { event_wakeup = -1, event_listening = -2 };

typedef struct visitor {
  /// -1 once it is handed over.
  int descriptor;
  socklen_t size;
  int64_t until;
  union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
  } address;
} visitor;

/// Clients are kept in a ring in the order in which they came, which is that of their patience. Those before
/// `watched` are in the epoll set; the others have come since the last wait.
struct amhd_entrance {
  amhd_daemon *daemon;
  int listening, set;
  bool is_admin, is_listening, is_exhausted;
  unsigned kept;
  unsigned long first, watched, end;
  atomic_ulong handed_over;
  visitor visitors[capacity];
};

static visitor *at(amhd_entrance *self, unsigned long index) { return &self->visitors[index % capacity]; }

static int64_t milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// MARK: - Whom to hand a client to

static worker *least_busy(amhd_daemon *daemon) {
  worker *best = NULL;
  int fewest = 0;
  daemon->next = (daemon->next + 1) % daemon->socket_threads;
  for (unsigned i = 0; i < daemon->socket_threads; i++) {
    worker *one = &daemon->workers[(daemon->next + i) % daemon->socket_threads];
    int connections = atomic_load_explicit(&one->connections, memory_order_relaxed);
    if (best != NULL && connections >= fewest) continue;
    best = one;
    fewest = connections;
  }
  return best;
}

static bool starts_with(const char **text, size_t *size, const char *prefix) {
  size_t length = strlen(prefix);
  if (*size < length || memcmp(*text, prefix, length) != 0) return false;
  *text += length;
  *size -= length;
  return true;
}

/// Whether a request begins like one for a page that the health thread answers.
static bool is_probe(const char *text, size_t size) {
  if (!starts_with(&text, &size, "GET ") && !starts_with(&text, &size, "HEAD ")) return false;
  bool is_page = starts_with(&text, &size, "/livez") || starts_with(&text, &size, "/readyz") ||
                 starts_with(&text, &size, "/metrics");
  if (!is_page) return false;
  return size > 0 && (*text == ' ' || *text == '?');
}

/// The thread for a client; NULL when it has not said anything yet.
static worker *choice(amhd_entrance *self, int descriptor) {
  char start[16];
  ssize_t size = recv(descriptor, start, sizeof start, MSG_PEEK | MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return NULL;
  bool probes = size > 0 && is_probe(start, (size_t)size);
  return probes ? &self->daemon->workers[self->daemon->socket_threads] : least_busy(self->daemon);
}

static void hand_over(amhd_entrance *self, visitor *one, worker *to) {
  int descriptor = one->descriptor;
  one->descriptor = -1;
  self->kept--;
  // The library closes the socket itself when it does not want it.
  if (MHD_add_connection(to->mhd, descriptor, &one->address.any, one->size) == MHD_YES)
    atomic_fetch_add_explicit(&self->handed_over, 1, memory_order_release);
  else
    self->is_exhausted = true;
}

/// Hands a client over that is in the epoll set. It leaves the set: there it would cost time with each packet for as
/// long as it lives.
static void hand_over_watched(amhd_entrance *self, visitor *one, worker *to) {
  epoll_ctl(self->set, EPOLL_CTL_DEL, one->descriptor, NULL);
  hand_over(self, one, to);
}

// MARK: - Keeping clients until they say something

static bool watch(amhd_entrance *self, int descriptor, int64_t what) {
  struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data = {.u64 = (uint64_t)what}};
  return epoll_ctl(self->set, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

/// Looks at those who have come since the last time: most have sent their request by now.
static void look_at_new(amhd_entrance *self) {
  if (self->watched == self->end) return;
  int64_t until = milliseconds() + patience;
  for (; self->watched < self->end; self->watched++) {
    visitor *one = at(self, self->watched);
    worker *to = choice(self, one->descriptor);
    one->until = until;
    int64_t place = (int64_t)(self->watched % capacity);
    if (to == NULL && !watch(self, one->descriptor, place)) to = least_busy(self->daemon);
    if (to != NULL) hand_over(self, one, to);
  }
}

/// Hands over those before `index` who have not been by now, whatever they have said.
static void hand_over_before(amhd_entrance *self, unsigned long index) {
  for (; self->first < index; self->first++) {
    visitor *one = at(self, self->first);
    if (one->descriptor < 0) continue;
    worker *to = choice(self, one->descriptor);
    hand_over_watched(self, one, to != NULL ? to : least_busy(self->daemon));
  }
}

/// The first in the ring who is still there, or `watched`.
static visitor *oldest(amhd_entrance *self) {
  while (self->first < self->watched && at(self, self->first)->descriptor < 0) self->first++;
  return self->first < self->watched ? at(self, self->first) : NULL;
}

static void hand_over_impatient(amhd_entrance *self) {
  if (oldest(self) == NULL) return;
  int64_t now = milliseconds();
  for (visitor *one = oldest(self); one != NULL && one->until <= now; one = oldest(self))
    hand_over_before(self, self->first + 1);
}

amhd_events amhd_wait(amhd_entrance *self, int timeout) {
  look_at_new(self);
  visitor *next = oldest(self);
  if (next != NULL) {
    int64_t rest = next->until - milliseconds();
    if (rest < 0) rest = 0;
    if (timeout < 0 || rest < timeout) timeout = (int)rest;
  }
  struct epoll_event events[64];
  int count = epoll_pwait(self->set, events, sizeof events / sizeof events[0], timeout, NULL);
  amhd_events found = {false, false, false};
  for (int i = 0; i < count; i++) {
    int64_t what = (int64_t)events[i].data.u64;
    if (what == event_wakeup) found.is_woken = true;
    else if (what == event_listening) found.has_clients = true;
    else if (what >= 0 && what < capacity) {
      visitor *one = &self->visitors[what];
      worker *to = one->descriptor < 0 ? NULL : choice(self, one->descriptor);
      if (to != NULL) hand_over_watched(self, one, to);
    }
  }
  hand_over_impatient(self);
  found.is_exhausted = self->is_exhausted;
  self->is_exhausted = false;
  return found;
}

void amhd_hand_over_all(amhd_entrance *self) {
  look_at_new(self);
  hand_over_before(self, self->watched);
}

unsigned amhd_kept(const amhd_entrance *self) { return self->kept; }

unsigned long amhd_handed_over(amhd_entrance *self) {
  return atomic_load_explicit(&self->handed_over, memory_order_acquire);
}

// MARK: - Accepting

amhd_accepted amhd_accept(amhd_entrance *self) {
  if (self->end - self->first == capacity) {
    look_at_new(self);
    hand_over_before(self, self->first + 1);
  }
  visitor *one = at(self, self->end);
  one->size = sizeof one->address;
  one->descriptor = accept4(self->listening, &one->address.any, &one->size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (one->descriptor < 0) {
    bool exhausted = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
    return exhausted ? amhd_accepted_exhausted : amhd_accepted_none;
  }
  self->kept++;
  if (self->is_admin) {
    one->address.v4 = (struct sockaddr_in){.sin_family = AF_INET};
    one->size = sizeof one->address.v4;
    hand_over(self, one, &self->daemon->workers[self->daemon->socket_threads]);
  } else {
    self->end++;
  }
  return amhd_accepted_client;
}

void amhd_listen(amhd_entrance *self, bool listens) {
  if (listens == self->is_listening) return;
  self->is_listening = listens;
  if (listens) watch(self, self->listening, event_listening);
  else epoll_ctl(self->set, EPOLL_CTL_DEL, self->listening, NULL);
}

// MARK: - Beginning and end

amhd_entrance *amhd_entrance_open(amhd_daemon *daemon, int listening_descriptor, int wakeup, bool is_admin) {
  amhd_entrance *self = calloc(1, sizeof *self);
  if (self == NULL) return NULL;
  self->daemon = daemon;
  self->listening = listening_descriptor;
  self->is_admin = is_admin;
  self->set = epoll_create1(EPOLL_CLOEXEC);
  if (self->set < 0 || !watch(self, wakeup, event_wakeup)) {
    int reason = errno;
    amhd_entrance_close(self);
    errno = reason;
    return NULL;
  }
  return self;
}

void amhd_entrance_close(amhd_entrance *self) {
  if (self->set >= 0) close(self->set);
  free(self);
}
