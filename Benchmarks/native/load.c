/// The load generator: sends one request again and again over a number of connections, for a number of requests or of
/// seconds.
///
///     load PORT PATH TYPE BODY-FILE CONNECTIONS REQUESTS SECONDS FRESH PID
///
/// TYPE is the body's media type; with FRESH 1 each request has a connection of its own; PID is the server's, for its
/// CPU time (0: none).
/// Prints one line of JSON. It does so little for each request that the server is the bottleneck also where both share
/// a CPU, and it talks to the loopback address only.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { head_capacity = 8192, scratch_size = 1 << 18 };

typedef struct client {
  int socket;
  bool waits_to_write;
  size_t sent;
  /// The answer's head as far as it has come; afterwards only the number of the body's bytes still to come.
  char head[head_capacity];
  size_t head_size;
  bool in_body;
  /// Of a body in chunks: of the chunk, with its line end, and 1 while the last one has not come.
  int64_t body_left;
  bool in_chunks;
  int64_t chunk_left;
  /// The size of the next chunk as far as its line has come; its digits so far.
  int64_t chunk_size;
  int digits;
  int64_t started;
} client;

static struct sockaddr_in server;
static char *request;
static size_t request_size;
static bool fresh;
/// Of those that failed: no connection, a connection that ended early, no answer until the end.
static long target, begun, done, refused, unconnected, broken, unanswered;
static int last_bad_status;
static int64_t deadline;
static int events;
static char scratch[scratch_size];

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

// MARK: - Latencies: buckets of 1/64 of a power of two, so within 1.6%

enum { steps = 64, buckets = 64 * steps };
static long histogram[buckets];

static int bucket_of(int64_t nanoseconds) {
  if (nanoseconds < steps) return nanoseconds < 0 ? 0 : (int)nanoseconds;
  int power = 63 - __builtin_clzll((uint64_t)nanoseconds);
  return (power - 5) * steps + (int)((nanoseconds >> (power - 6)) & (steps - 1));
}

static double value_of(int bucket) {
  if (bucket < steps) return bucket;
  int power = bucket / steps + 5;
  return (double)((int64_t)(steps + bucket % steps) << (power - 6));
}

static double percentile(double share) {
  long seen = 0, wanted = (long)((double)done * share);
  for (int i = 0; i < buckets; i++) {
    seen += histogram[i];
    if (seen > wanted) return value_of(i) / 1000;
  }
  return 0;
}

// MARK: - The server's CPU time

/// Nanoseconds of all threads, from the scheduler; the ticks of /proc/PID/stat are too coarse for short runs.
static double cpu_seconds(int pid) {
  char path[300];
  double total = 0;
  snprintf(path, sizeof path, "/proc/%d/task", pid);
  DIR *folder = pid > 0 ? opendir(path) : NULL;
  if (folder == NULL) return 0;
  for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
    unsigned long long nanoseconds;
    if (entry->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", pid, entry->d_name);
    FILE *file = fopen(path, "r");
    if (file == NULL) continue;
    if (fscanf(file, "%llu", &nanoseconds) == 1) total += (double)nanoseconds / 1e9;
    fclose(file);
  }
  closedir(folder);
  return total;
}

static double own_cpu_seconds(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

// MARK: - Connections

static void watch(client *self, int operation, bool writes) {
  struct epoll_event event = {.events = EPOLLIN | (writes ? EPOLLOUT : 0), .data.ptr = self};
  epoll_ctl(events, operation, self->socket, &event);
  self->waits_to_write = writes;
}

static void send_more(client *self) {
  while (self->sent < request_size) {
    ssize_t size = send(self->socket, request + self->sent, request_size - self->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size < 0) {
      // The other reasons show when reading.
      if (errno == EAGAIN && !self->waits_to_write) watch(self, EPOLL_CTL_MOD, true);
      return;
    }
    self->sent += (size_t)size;
  }
  if (self->waits_to_write) watch(self, EPOLL_CTL_MOD, false);
}

static bool connect_client(client *self) {
  int one = 1;
  self->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  // On the loopback connecting takes no waiting, unless the server's queue is full.
  if (self->socket < 0 || connect(self->socket, (struct sockaddr *)&server, sizeof server) != 0) return false;
  setsockopt(self->socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  // Closed by a reset, so that thousands of fresh connections do not use up the ports by waiting in TIME_WAIT.
  struct linger linger = {.l_onoff = 1, .l_linger = 0};
  setsockopt(self->socket, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  watch(self, EPOLL_CTL_ADD, false);
  return true;
}

static void drop(client *self) {
  if (self->socket >= 0) close(self->socket);
  self->socket = -1;
}

/// Starts the next request; false when there is none left to send.
static bool next_request(client *self) {
  int64_t time = now();
  if (begun >= target || time >= deadline) return drop(self), false;
  begun++;
  self->started = time;
  self->sent = self->head_size = 0;
  self->in_body = self->in_chunks = false;
  if (fresh && self->socket >= 0) drop(self);
  if (self->socket < 0 && !connect_client(self)) {
    unconnected++;
    return drop(self), false;
  }
  send_more(self);
  return true;
}

/// Reads the status and the length; false where the head is not to be understood.
static bool read_head(client *self, const char *end) {
  int status = self->head_size > 12 ? atoi(self->head + 9) : 0;
  self->body_left = -1;
  for (const char *line = self->head; line < end; line++) {
    if (*line == '\n' && strncasecmp(line + 1, "content-length:", 15) == 0) self->body_left = atoll(line + 16);
    if (*line == '\n' && strncasecmp(line + 1, "transfer-encoding: chunked", 26) == 0) self->in_chunks = true;
  }
  if (self->in_chunks) {
    self->body_left = 1;
    self->chunk_left = self->chunk_size = self->digits = 0;
  }
  if (status < 200 || status > 299) {
    refused++;
    last_bad_status = status;
  }
  self->in_body = true;
  return self->body_left >= 0;
}

/// A part of a body in chunks, which has no trailers; false where it is none.
static bool take_chunks(client *self, const char *bytes, size_t size) {
  while (size > 0) {
    if (self->chunk_left > 0) {
      size_t taken = (int64_t)size < self->chunk_left ? size : (size_t)self->chunk_left;
      self->chunk_left -= (int64_t)taken;
      bytes += taken;
      size -= taken;
      // Behind the last chunk, which is empty.
      if (self->chunk_left == 0 && self->chunk_size == 0) return self->body_left = 0, size == 0;
      if (self->chunk_left == 0) self->chunk_size = self->digits = 0;
      continue;
    }
    char byte = *bytes++;
    size--;
    if (byte == '\n') {
      if (self->digits == 0) return false;
      self->chunk_left = self->chunk_size + 2;
    } else if (byte != '\r') {
      int digit = byte >= '0' && byte <= '9' ? byte - '0' : (byte | 0x20) - 'a' + 10;
      if (digit < 0 || digit > 15 || ++self->digits > 12) return false;
      self->chunk_size = self->chunk_size * 16 + digit;
    }
  }
  return true;
}

/// Takes in what came; false where the connection is of no more use.
static bool take(client *self, const char *bytes, size_t size) {
  if (!self->in_body) {
    size_t room = head_capacity - 1 - self->head_size, before = self->head_size;
    size_t taken = size < room ? size : room;
    memcpy(self->head + self->head_size, bytes, taken);
    self->head_size += taken;
    self->head[self->head_size] = 0;
    const char *end = strstr(self->head, "\r\n\r\n");
    if (end == NULL) return self->head_size < head_capacity - 1;
    if (!read_head(self, end)) return false;
    size_t head_part = (size_t)(end + 4 - self->head) - before;
    bytes += head_part;
    size -= head_part;
  }
  if (self->in_chunks) return take_chunks(self, bytes, size);
  self->body_left -= (int64_t)size;
  return self->body_left >= 0;
}

/// One read at a time; false where the client has ended.
static bool receive(client *self) {
  ssize_t size = recv(self->socket, scratch, sizeof scratch, MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  if (size <= 0 || !take(self, scratch, (size_t)size)) {
    broken++;
    drop(self);
    return next_request(self);
  }
  if (!self->in_body || self->body_left > 0) return true;
  histogram[bucket_of(now() - self->started)]++;
  done++;
  return next_request(self);
}

// MARK: - The run

static void make_request(char **argv) {
  FILE *file = fopen(argv[4], "rb");
  if (file == NULL) perror(argv[4]), exit(1);
  fseek(file, 0, SEEK_END);
  size_t body_size = (size_t)ftell(file);
  rewind(file);
  request = malloc(body_size + 1024);
  int head = snprintf(request, 1024,
                      "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s\r\n",
                      argv[2], argv[1], argv[3], body_size, fresh ? "Connection: close\r\n" : "");
  if (fread(request + head, 1, body_size, file) != body_size) perror(argv[4]), exit(1);
  fclose(file);
  request_size = (size_t)head + body_size;
}

static void run(client *clients, int count) {
  int active = 0;
  for (int i = 0; i < count; i++) {
    clients[i].socket = -1;
    active += next_request(&clients[i]);
  }
  struct epoll_event ready[256];
  // A server that does not answer must not hold us for ever.
  while (active > 0 && now() < deadline + 15000000000LL) {
    int number = epoll_wait(events, ready, 256, 1000);
    for (int i = 0; i < number; i++) {
      client *self = ready[i].data.ptr;
      if (ready[i].events & EPOLLOUT) send_more(self);
      if ((ready[i].events & ~(uint32_t)EPOLLOUT) && !receive(self)) active--;
    }
  }
  unanswered = active;
}

int main(int argc, char **argv) {
  if (argc != 10)
    return fprintf(stderr, "usage: load PORT PATH TYPE BODY-FILE CONNECTIONS REQUESTS SECONDS FRESH PID\n"), 2;
  int connections = atoi(argv[5]), pid = atoi(argv[9]);
  if (connections < 1 || connections > 10000) return fprintf(stderr, "load: from 1 to 10000 connections\n"), 2;
  server = (struct sockaddr_in){
      .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  target = atol(argv[6]);
  fresh = atoi(argv[8]) != 0;
  make_request(argv);
  events = epoll_create1(EPOLL_CLOEXEC);
  client *clients = calloc((size_t)connections, sizeof *clients);
  double cpu = cpu_seconds(pid), own = own_cpu_seconds();
  int64_t start = now();
  deadline = start + (int64_t)(atof(argv[7]) * 1e9);
  run(clients, connections);
  double seconds = (double)(now() - start) / 1e9;
  printf(
      "{\"requests\": %ld, \"refused\": %ld, \"status\": %d, \"unconnected\": %ld, \"broken\": %ld, \"unanswered\": "
      "%ld, "
      "\"seconds\": %.6f, \"p50_us\": %.2f, \"p99_us\": %.2f, "
      "\"server_cpu\": %.6f, \"own_cpu\": %.6f}\n",
      done, refused, last_bad_status, unconnected, broken, unanswered, seconds, percentile(0.5), percentile(0.99),
      cpu_seconds(pid) - cpu, own_cpu_seconds() - own);
}
