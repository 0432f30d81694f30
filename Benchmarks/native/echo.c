/// A bare libmicrohttpd server that sends every body back: what any server on this library can reach at most.
///
///     echo PORT THREADS
///
/// Its threads, options and memory for a connection are those of Sources/CMicroHTTPD, or the comparison would be with
/// another design:
/// each thread has a daemon of its own without a listening socket, and one more thread accepts and hands clients to the
/// least busy one.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/// In place of the C library's for libmicrohttpd, which asks for 128 events and, having got so many, asks for more with
/// the same patience before it serves any: with exactly 128 clients ready it sleeps on. It never sees 128 this way.
int epoll_wait(int set, struct epoll_event *events, int capacity, int timeout) {
  return epoll_pwait(set, events, capacity > 127 ? 127 : capacity, timeout, NULL);
}

typedef struct worker {
  struct MHD_Daemon *mhd;
  atomic_int connections;
} worker;

typedef struct body {
  char *bytes;
  size_t size, capacity;
} body;

static worker workers[64];
static unsigned count;

static enum MHD_Result append(body *self, const char *data, size_t size) {
  if (self->size + size > self->capacity) {
    size_t capacity = self->capacity * 2 > self->size + size ? self->capacity * 2 : self->size + size;
    char *bytes = realloc(self->bytes, capacity);
    if (bytes == NULL) return MHD_NO;
    self->bytes = bytes;
    self->capacity = capacity;
  }
  memcpy(self->bytes + self->size, data, size);
  self->size += size;
  return MHD_YES;
}

/// A body's size is known from the head nearly always; growing step by step would copy large ones several times.
static body *begin(struct MHD_Connection *connection) {
  body *self = calloc(1, sizeof *self);
  const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length");
  if (self == NULL) return NULL;
  self->capacity = length != NULL ? strtoul(length, NULL, 10) : 512;
  self->bytes = malloc(self->capacity + 1);
  return self;
}

static enum MHD_Result answer(struct MHD_Connection *connection, body *self) {
  struct MHD_Response *response = MHD_create_response_from_buffer(self->size, self->bytes, MHD_RESPMEM_MUST_FREE);
  self->bytes = NULL;
  if (response == NULL) return MHD_NO;
  MHD_add_response_header(response, "Content-Type", "application/json");
  enum MHD_Result result = MHD_queue_response(connection, 200, response);
  MHD_destroy_response(response);
  return result;
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *data, size_t *size, void **request) {
  (void)context, (void)url, (void)method, (void)version;
  if (*request == NULL) {
    *request = begin(connection);
    return *request != NULL ? MHD_YES : MHD_NO;
  }
  if (*size == 0) return answer(connection, *request);
  enum MHD_Result result = append(*request, data, *size);
  *size = 0;
  return result;
}

static void complete(void *context, struct MHD_Connection *connection, void **request,
                     enum MHD_RequestTerminationCode code) {
  (void)context, (void)connection, (void)code;
  body *self = *request;
  if (self == NULL) return;
  free(self->bytes);
  free(self);
  *request = NULL;
}

static void notify(
    void *context, struct MHD_Connection *connection, void **socket_context, enum MHD_ConnectionNotificationCode code) {
  (void)connection, (void)socket_context;
  atomic_fetch_add(&((worker *)context)->connections, code == MHD_CONNECTION_NOTIFY_STARTED ? 1 : -1);
}

static void start(worker *self) {
  self->mhd = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_SUSPEND_RESUME |
                                   MHD_USE_ITC | MHD_USE_ERROR_LOG,
                               0, NULL, NULL, handle, NULL, MHD_OPTION_THREAD_STACK_SIZE, (size_t)8 << 20,
                               MHD_OPTION_CONNECTION_LIMIT, 8192u, MHD_OPTION_CONNECTION_TIMEOUT, 60u,
                               MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)32 << 10, MHD_OPTION_NOTIFY_COMPLETED,
                               complete, self, MHD_OPTION_NOTIFY_CONNECTION, notify, self, MHD_OPTION_STRICT_FOR_CLIENT,
                               -1, MHD_OPTION_END);
  if (self->mhd == NULL) {
    perror("echo: libmicrohttpd");
    exit(1);
  }
}

static worker *least_busy(void) {
  static unsigned next;
  worker *best = NULL;
  int fewest = 0;
  next = (next + 1) % count;
  for (unsigned i = 0; i < count; i++) {
    worker *one = &workers[(next + i) % count];
    int connections = atomic_load(&one->connections);
    if (best != NULL && connections >= fewest) continue;
    best = one;
    fewest = connections;
  }
  return best;
}

static int open_listener(int port) {
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 4096) != 0) {
    perror("echo: cannot listen");
    exit(1);
  }
  return listener;
}

int main(int argc, char **argv) {
  if (argc != 3) return fprintf(stderr, "usage: echo PORT THREADS\n"), 2;
  signal(SIGPIPE, SIG_IGN);
  count = (unsigned)atoi(argv[2]);
  if (count < 1 || count > 64) return fprintf(stderr, "echo: from 1 to 64 threads\n"), 2;
  for (unsigned i = 0; i < count; i++) start(&workers[i]);
  int listener = open_listener(atoi(argv[1]));
  while (1) {
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    int client = accept4(listener, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (client >= 0) MHD_add_connection(least_busy()->mhd, client, (struct sockaddr *)&address, size);
    else usleep(1000);
  }
}
