/// What the files of the shim share.
#ifndef AUTOGRAD_CMICROHTTPD_INTERNAL_H
#define AUTOGRAD_CMICROHTTPD_INTERNAL_H

#include <microhttpd.h>
#include <netinet/in.h>
#include <stdatomic.h>

#include "CMicroHTTPD.h"

/// One thread with its own epoll set. A daemon for each rather than the library's thread pool, which needs a listening
/// socket.
typedef struct worker {
  struct MHD_Daemon *mhd;
  const amhd_callbacks *callbacks;
  unsigned number;
  bool is_health;
  atomic_int connections;
  /// See `amhd_turn`. Written by the thread itself only.
  atomic_ulong turn;
  /// No two threads write to one cache line.
  char apart[64];
} worker;

struct amhd_daemon {
  amhd_callbacks callbacks;
  /// Threads that run, and those of them that serve sockets; the one after these is the health thread.
  unsigned count, socket_threads;
  /// Where the search for a thread for the next client begins.
  unsigned next;
  worker workers[];
};

/// The mark of a client of the admin address: no client of TCP has port 0. What the address is otherwise nobody asks.
static inline bool is_admin_address(const struct sockaddr *address) {
  return address != NULL && address->sa_family == AF_INET && ((const struct sockaddr_in *)address)->sin_port == 0;
}

#endif
