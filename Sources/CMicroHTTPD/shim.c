#define _GNU_SOURCE
#include "internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>

_Static_assert(MHD_VERSION >= 0x00097500,
               "older versions lack functions used here and lay out a request's head differently");

static struct MHD_Connection *mhd(amhd_connection *connection) { return (struct MHD_Connection *)connection; }

// MARK: - Headers

/// The characters of a token (RFC 9110, 5.6.2): the only ones a header name may have.
static const bool token_characters[256] = {
    ['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1, ['&'] = 1, ['\''] = 1, ['*'] = 1, ['+'] = 1, ['-'] = 1,
    ['.'] = 1, ['^'] = 1, ['_'] = 1, ['`'] = 1, ['|'] = 1, ['~'] = 1,
    ['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1,
};

static bool is_token(const char *text, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (!token_characters[(unsigned char)text[i]]) return false;
  return size > 0;
}

static bool has_control(const char *text, size_t size) {
  for (size_t i = 0; i < size; i++) {
    unsigned char c = (unsigned char)text[i];
    if ((c < 0x20 && c != '\t') || c == 0x7f) return true;
  }
  return false;
}

static bool starts_with(const char *text, size_t size, const char *prefix, size_t prefix_size) {
  return size >= prefix_size && strncasecmp(text, prefix, prefix_size) == 0;
}

/// Whether the header is `name`; `literal` must be a string literal.
#define IS(literal) (key_size == sizeof(literal) - 1 && strncasecmp(key, literal, sizeof(literal) - 1) == 0)
#define STARTS(literal) starts_with(key, key_size, literal, sizeof(literal) - 1)

static amhd_header_fault fault_of(const char *key, size_t key_size, const char *value, size_t value_size) {
  if (!is_token(key, key_size)) return amhd_header_fault_name;
  if ((STARTS("Content-Length") && !IS("Content-Length")) || (STARTS("Transfer-Encoding") && !IS("Transfer-Encoding")))
    return amhd_header_fault_lookalike;
  if (has_control(value, value_size)) return amhd_header_fault_value;
  return amhd_header_fault_none;
}

/// Whether this is a version that splits the head in place and leaves no trace of what it did not understand. From 1.0
/// on it refuses such heads itself, and keeps them otherwise. Asked at run time: both are the same shared library to
/// the loader.
static bool is_lax_version(void) { return MHD_get_version()[0] == '0'; }

/// A walk over the headers. `next` is where the next header must begin if the lines follow each other without a gap;
/// NULL when not checked.
typedef struct walk {
  amhd_head head;
  const char *next;
} walk;

/// A lax version replaces colons and line ends by zeros and notes where names and values are: whatever lies between a
/// value's CR LF and the next name is something that it has skipped, and that another server may have understood.
static void check_layout(walk *self, const char *key, size_t key_size, const char *value, size_t value_size) {
  if (key != self->next || value < key + key_size + 1) self->head.fault = amhd_header_fault_lines;
  self->next = value + value_size + 2;
}

static void keep_first(amhd_text *slot, const char *value, size_t size) {
  if (slot->start == NULL) *slot = (amhd_text){value, size};
}

/// A value without the white space that may stand around it (RFC 9110, 5.5). The library takes away what stands before
/// it, some versions not what follows.
static amhd_text trimmed(const char *value, size_t size) {
  while (size > 0 && (value[size - 1] == ' ' || value[size - 1] == '\t')) size--;
  while (size > 0 && (value[0] == ' ' || value[0] == '\t')) value++, size--;
  return (amhd_text){value, size};
}

/// Leaves nothing but an empty text of a header that stands there twice.
static void keep_only(amhd_text *slot, const char *value, size_t size) {
  *slot = slot->start == NULL ? (amhd_text){value, size} : (amhd_text){slot->start, 0};
}

static enum MHD_Result visit_header(
    void *context, enum MHD_ValueKind kind, const char *key, size_t key_size, const char *value, size_t value_size) {
  (void)kind;
  walk *self = context;
  amhd_head *head = &self->head;
  if (value == NULL) return MHD_YES;
  if (self->next != NULL && head->fault == amhd_header_fault_none) check_layout(self, key, key_size, value, value_size);
  if (head->fault == amhd_header_fault_none) head->fault = fault_of(key, key_size, value, value_size);
  amhd_text sent = {value, value_size}, text = trimmed(value, value_size);
  value = text.start;
  value_size = text.size;
  // By length first: most headers are none of these, and this runs for every header of every request.
  switch (key_size) {
    case 4:
      if (IS("Host")) head->hosts++, keep_first(&head->host, value, value_size);
      break;
    case 6:
      if (IS("Accept")) keep_first(&head->accept, value, value_size);
      else if (IS("Expect")) keep_first(&head->expect, value, value_size);
      else if (IS("Origin")) keep_only(&head->origin, value, value_size);
      break;
    case 11:
      if (IS("Traceparent")) keep_only(&head->traceparent, value, value_size);
      break;
    case 12:
      if (IS("Content-Type")) keep_first(&head->content_type, value, value_size);
      else if (IS("X-Request-Id")) keep_first(&head->request_id, value, value_size);
      break;
    case 13:
      if (IS("Authorization")) keep_only(&head->authorization, value, value_size);
      break;
    case 14:
      if (IS("Content-Length")) {
        head->content_lengths++;
        keep_first(&head->content_length, value, value_size);
      } else if (IS("Sec-Fetch-Site")) keep_first(&head->fetch_site, value, value_size);
      break;
    case 15:
      if (IS("Request-Timeout")) keep_first(&head->request_timeout, value, value_size);
      break;
    case 16:
      if (IS("Content-Encoding")) keep_first(&head->content_encoding, value, value_size);
      break;
    case 17:
      if (IS("Transfer-Encoding")) {
        head->transfer_encodings++;
        // As the library sees it: what it does not take for chunked it would never finish reading.
        keep_first(&head->transfer_encoding, sent.start, sent.size);
      }
      break;
  }
  return MHD_YES;
}

typedef struct search {
  const char *name;
  amhd_text found;
} search;

static enum MHD_Result keep_last(
    void *context, enum MHD_ValueKind kind, const char *key, size_t key_size, const char *value, size_t value_size) {
  (void)kind;
  search *self = context;
  if (value != NULL && key_size == strlen(self->name) && strncasecmp(key, self->name, key_size) == 0)
    self->found = (amhd_text){value, value_size};
  return MHD_YES;
}

amhd_text amhd_last_header(amhd_connection *connection, const char *name) {
  search search = {name, {NULL, 0}};
  MHD_get_connection_values_n(mhd(connection), MHD_HEADER_KIND, keep_last, &search);
  return search.found;
}

typedef struct line_walk {
  const char *name;
  void *context;
  void (*line)(void *context, amhd_text value);
} line_walk;

static enum MHD_Result visit_line(
    void *context, enum MHD_ValueKind kind, const char *key, size_t key_size, const char *value, size_t value_size) {
  (void)kind;
  line_walk *self = context;
  if (value != NULL && key_size == strlen(self->name) && strncasecmp(key, self->name, key_size) == 0)
    self->line(self->context, (amhd_text){value, value_size});
  return MHD_YES;
}

void amhd_header_lines(
    amhd_connection *connection, const char *name, void *context, void (*line)(void *context, amhd_text value)) {
  line_walk walk = {name, context, line};
  MHD_get_connection_values_n(mhd(connection), MHD_HEADER_KIND, visit_line, &walk);
}

typedef struct query_walk {
  void *context;
  void (*parameter)(void *context, amhd_text name, amhd_text value);
} query_walk;

static enum MHD_Result visit_parameter(void *context, enum MHD_ValueKind kind, const char *key, size_t key_size,
                                       const char *value, size_t value_size) {
  (void)kind;
  query_walk *walk = context;
  walk->parameter(walk->context, (amhd_text){key, key_size}, (amhd_text){value, value == NULL ? 0 : value_size});
  return MHD_YES;
}

void amhd_query(amhd_connection *connection, void *context,
                void (*parameter)(void *context, amhd_text name, amhd_text value)) {
  query_walk walk = {context, parameter};
  MHD_get_connection_values_n(mhd(connection), MHD_GET_ARGUMENT_KIND, visit_parameter, &walk);
}

// MARK: - Turns

/// Whose loop the calling thread is in. Known from its first client on: before that it does nothing that could take
/// long.
static _Thread_local worker *current;

static void turn(worker *self, unsigned long steps) {
  unsigned long now = atomic_load_explicit(&self->turn, memory_order_relaxed);
  atomic_store_explicit(&self->turn, now + steps, memory_order_relaxed);
}

/// On the worker's own thread, which is awake.
static void begin_turns(worker *self) {
  if (current == self) return;
  current = self;
  turn(self, 1);
}

/// Stands in for the C library's, which libmicrohttpd calls. It asks for 128 events and, having got so many, asks
/// again with the same patience before it serves any: with exactly 128 clients ready on a thread all of them wait for
/// the next one's knock or the idle timeout. This way it never gets 128. It also counts the turns of the loop.
int epoll_wait(int set, struct epoll_event *events, int capacity, int timeout) {
  worker *self = current;
  bool sleeps = timeout != 0;
  if (self != NULL) turn(self, sleeps ? 1 : 2);
  int count = epoll_pwait(set, events, capacity > 127 ? 127 : capacity, timeout, NULL);
  if (self != NULL && sleeps) turn(self, 1);
  return count;
}

unsigned long amhd_turn(amhd_daemon *daemon, unsigned thread) {
  return thread < daemon->count ? atomic_load_explicit(&daemon->workers[thread].turn, memory_order_relaxed) : 0;
}

// MARK: - Events

/// Leaves paths as they are sent: there is none that needs percent-encoding, and a proxy that keeps `/metrics` from the
/// outside may not see that `/%6detrics` is the same.
static size_t keep_percent(void *context, struct MHD_Connection *connection, char *text) {
  (void)context;
  (void)connection;
  return strlen(text);
}

static enum MHD_Result begin(const amhd_callbacks *callbacks, struct MHD_Connection *connection, const char *url,
                             const char *method, const char *version, void **request) {
  size_t version_size = strlen(version);
  walk walk = {.head = {.method = {method, strlen(method)}, .path = {url, strlen(url)}}};
  const union MHD_ConnectionInfo *client = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  if (client != NULL) walk.head.client = client->socket_context;
  walk.head.minor_version = version_size == 8 ? version[7] - '0' : 0;
  walk.head.path_has_percent = memchr(url, '%', walk.head.path.size) != NULL;
  bool is_lax = is_lax_version();
  if (is_lax) walk.next = version + version_size + 2;
  MHD_get_connection_values_n(connection, MHD_HEADER_KIND, visit_header, &walk);
  if (is_lax && walk.head.fault == amhd_header_fault_none) {
    // After the last header, the empty line, and then the end of the head.
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    if (info == NULL || walk.next + 2 != method + info->header_size) walk.head.fault = amhd_header_fault_lines;
  }
  *request = callbacks->begin(callbacks->context, (amhd_connection *)connection, &walk.head);
  return *request != NULL ? MHD_YES : MHD_NO;
}

/// The library's one handler: first with the head, then for each piece of the body, then once more, and again after
/// each resumption.
static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *data, size_t *data_size, void **request) {
  const amhd_callbacks *callbacks = ((worker *)context)->callbacks;
  if (*request == NULL) return begin(callbacks, connection, url, method, version, request);
  if (*data_size == 0) return callbacks->finish(*request) ? MHD_YES : MHD_NO;
  size_t size = *data_size;
  *data_size = 0;
  return callbacks->body(*request, data, size) ? MHD_YES : MHD_NO;
}

static void complete(void *context, struct MHD_Connection *connection, void **request,
                     enum MHD_RequestTerminationCode code) {
  (void)connection;
  if (*request == NULL) return;
  amhd_outcome outcome = amhd_outcome_broken;
  switch (code) {
    case MHD_REQUEST_TERMINATED_COMPLETED_OK: outcome = amhd_outcome_answered; break;
    case MHD_REQUEST_TERMINATED_TIMEOUT_REACHED: outcome = amhd_outcome_timed_out; break;
    case MHD_REQUEST_TERMINATED_DAEMON_SHUTDOWN: outcome = amhd_outcome_shutdown; break;
    default: break;
  }
  ((worker *)context)->callbacks->completed(*request, outcome);
  *request = NULL;
}

static bool is_admin(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  return info != NULL && is_admin_address(info->client_addr);
}

static void notify(
    void *context, struct MHD_Connection *connection, void **socket_context, enum MHD_ConnectionNotificationCode code) {
  worker *self = context;
  bool opened = code == MHD_CONNECTION_NOTIFY_STARTED;
  atomic_fetch_add_explicit(&self->connections, opened ? 1 : -1, memory_order_relaxed);
  if (opened) {
    begin_turns(self);
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    int descriptor = info != NULL ? info->connect_fd : -1;
    amhd_seat seat = {self->number, self->is_health, self->is_health && is_admin(connection)};
    *socket_context = self->callbacks->opened(self->callbacks->context, descriptor, seat);
  } else {
    self->callbacks->closed(self->callbacks->context, *socket_context);
  }
}

/// Formats here because a va_list cannot be read in Swift.
static void log_remark(void *context, const char *format, va_list arguments) {
  const amhd_callbacks *callbacks = ((worker *)context)->callbacks;
  char message[512];
  int size = vsnprintf(message, sizeof message, format, arguments);
  if (size <= 0) return;
  size_t end = strnlen(message, sizeof message);
  while (end > 0 && message[end - 1] == '\n') message[--end] = 0;
  callbacks->log(callbacks->context, message);
}

// MARK: - Starting and stopping

static struct MHD_Daemon *start_worker(worker *self, const amhd_options *options) {
  return MHD_start_daemon(
      MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_SUSPEND_RESUME | MHD_USE_ITC |
          MHD_USE_ERROR_LOG,
      0, NULL, NULL, handle, self,
      // First, or what the other options have to say goes to stderr.
      MHD_OPTION_EXTERNAL_LOGGER, log_remark, self,
      // The health thread computes nothing.
      MHD_OPTION_THREAD_STACK_SIZE, self->is_health ? (size_t)1 << 20 : options->stack_size,
      MHD_OPTION_CONNECTION_LIMIT, options->connections_per_thread,
      MHD_OPTION_CONNECTION_TIMEOUT, options->timeout_seconds < 1 ? 1u : options->timeout_seconds,
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, options->connection_memory,
      MHD_OPTION_UNESCAPE_CALLBACK, keep_percent, NULL,
      MHD_OPTION_NOTIFY_COMPLETED, complete, self,
      MHD_OPTION_NOTIFY_CONNECTION, notify, self,
      // White space before a header's colon is refused at -1 only in the lax versions: the check is the wrong way
      // round.
      MHD_OPTION_STRICT_FOR_CLIENT, is_lax_version() ? -1 : 1,
      MHD_OPTION_END);
}

amhd_daemon *amhd_start(const amhd_options *options, const amhd_callbacks *callbacks) {
  unsigned sockets = options->threads < 1 ? 1 : options->threads;
  amhd_daemon *daemon = calloc(1, sizeof *daemon + (sockets + 1) * sizeof(worker));
  if (daemon == NULL) return NULL;
  daemon->callbacks = *callbacks;
  daemon->socket_threads = sockets;
  for (; daemon->count < sockets + 1; daemon->count++) {
    worker *self = &daemon->workers[daemon->count];
    self->callbacks = &daemon->callbacks;
    self->number = daemon->count;
    self->is_health = daemon->count == sockets;
    self->mhd = start_worker(self, options);
    if (self->mhd == NULL) {
      int reason = errno;
      amhd_stop(daemon);
      errno = reason;
      return NULL;
    }
  }
  return daemon;
}

void amhd_stop(amhd_daemon *daemon) {
  for (unsigned i = 0; i < daemon->count; i++) MHD_stop_daemon(daemon->workers[i].mhd);
  free(daemon);
}

const char *amhd_version(void) { return MHD_get_version(); }

// MARK: - One connection

void amhd_suspend(amhd_connection *connection) { MHD_suspend_connection(mhd(connection)); }
void amhd_resume(amhd_connection *connection) { MHD_resume_connection(mhd(connection)); }

amhd_response *amhd_response_create(const void *bytes, size_t size, void (*release)(void *owner), void *owner) {
  return (amhd_response *)MHD_create_response_from_buffer_with_free_callback_cls(size, (void *)bytes, release, owner);
}

_Static_assert(amhd_read_end == MHD_CONTENT_READER_END_OF_STREAM, "another library");
_Static_assert(amhd_read_failed == MHD_CONTENT_READER_END_WITH_ERROR, "another library");

amhd_response *amhd_response_stream(
    int64_t size, bool is_head, amhd_reader read, void (*release)(void *owner), void *owner) {
  // The library reads into a block of this size where it knows the body's, and else into the connection's memory.
  size_t block = (size_t)64 << 10;
  uint64_t total = size < 0 ? MHD_SIZE_UNKNOWN : (uint64_t)size;
  struct MHD_Response *response = MHD_create_response_from_callback(total, block, read, owner, release);
  // To HEAD it would say that chunks follow, and send the last one.
  if (response != NULL && is_head && size < 0)
    MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
  return (amhd_response *)response;
}

bool amhd_response_header(amhd_response *response, const char *name, const char *value) {
  return MHD_add_response_header((struct MHD_Response *)response, name, value) == MHD_YES;
}

bool amhd_respond(amhd_connection *connection, unsigned status, amhd_response *response) {
  enum MHD_Result queued = MHD_queue_response(mhd(connection), status, (struct MHD_Response *)response);
  MHD_destroy_response((struct MHD_Response *)response);
  return queued == MHD_YES;
}
