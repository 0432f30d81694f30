/// libmicrohttpd as the server uses it: a narrow door for Swift.
///
/// Three reasons for a shim: the library's entry points are variadic and its constants do not import into Swift; its
/// one access handler is three different events, told apart by conventions that are easily got wrong; and what it
/// accepts too readily (`HeaderGuard.swift` refuses it) can only be seen while walking its header list. microhttpd.h is
/// included here alone, by internal.h.
#ifndef AUTOGRAD_CMICROHTTPD_H
#define AUTOGRAD_CMICROHTTPD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#if defined(__cplusplus)
extern "C" {
#endif

/// A running server: its threads and its callbacks.
typedef struct amhd_daemon amhd_daemon;
/// One client's connection. Valid from `begin` to `completed`, and only on the thread that calls, but for
/// `amhd_resume`.
typedef struct amhd_connection amhd_connection;
/// An answer being put together.
typedef struct amhd_response amhd_response;

/// Bytes of a request, owned by the connection until `completed`. `start` is NULL where there are none.
typedef struct amhd_text {
  const char *start;
  size_t size;
} amhd_text;

/// What is wrong with a request's header lines, as far as only the walk over them can tell. The first fault found
/// counts.
typedef enum amhd_header_fault {
  amhd_header_fault_none = 0,
  /// A name that is empty or has a character no token may have.
  amhd_header_fault_name,
  /// A name that merely starts with Content-Length or Transfer-Encoding: a folded or forged one.
  amhd_header_fault_lookalike,
  /// A value with a control character, such as a bare CR, that another server might take for the end of the line.
  amhd_header_fault_value,
  /// The lines are not `name: value CR LF` one after the other: folded (the library glues the second line to the *name*
  /// of the first), with an empty name (it takes that for the end of the headers), with a bare LF, or with a NUL,
  /// behind which it hides the rest of the line.
  amhd_header_fault_lines,
} amhd_header_fault;

/// The head of a request: what routing needs, and the facts by which its framing is judged.
typedef struct amhd_head {
  amhd_text method;
  /// As sent, without the query.
  amhd_text path;
  bool path_has_percent;
  /// The x of HTTP/1.x.
  int minor_version;
  unsigned content_lengths;
  unsigned transfer_encodings;
  unsigned hosts;
  amhd_header_fault fault;
  amhd_text content_length;
  amhd_text transfer_encoding;
  amhd_text content_type;
  amhd_text content_encoding;
  amhd_text accept;
  amhd_text expect;
  amhd_text request_id;
  // Empty where there are several: nobody can say which one counts.
  amhd_text authorization;
  amhd_text traceparent;
  amhd_text request_timeout;
  amhd_text host;
  // Empty where there are several, which is no origin.
  amhd_text origin;
  amhd_text fetch_site;
  /// What `opened` returned for the request's connection.
  void *client;
} amhd_head;

/// How a request ended.
typedef enum amhd_outcome {
  amhd_outcome_answered = 0,
  /// The connection broke, or was closed without an answer.
  amhd_outcome_broken,
  amhd_outcome_timed_out,
  amhd_outcome_shutdown,
} amhd_outcome;

/// Where a connection is served.
typedef struct amhd_seat {
  /// The number of its thread.
  unsigned thread;
  /// Whether that is the health thread, which must never be kept.
  bool is_health;
  /// Whether the client came by the admin address.
  bool is_admin;
} amhd_seat;

/// The library's events, one function each. They come from the server's own threads; those of one connection never at
/// the same time.
typedef struct amhd_callbacks {
  void *context;
  /// The head has come. Returns the state of the request, handed to the functions below, or NULL to close without a
  /// word. Answering here closes the connection after the answer.
  void *(*begin)(void *context, amhd_connection *connection, const amhd_head *head);
  /// A piece of the body, valid during the call. False closes without a word. Nothing may be answered here.
  bool (*body)(void *request, const void *bytes, size_t size);
  /// The body is complete, or the connection was resumed: answer or suspend. False closes without a word.
  bool (*finish)(void *request);
  /// The request is over and `request` is used no more. Comes exactly once for each `begin` that returned a state.
  void (*completed)(void *request, amhd_outcome outcome);
  /// A client has connected. Returns what is known of the connection, or NULL.
  void *(*opened)(void *context, int descriptor, amhd_seat seat);
  /// The connection ends: comes once for each `opened`, and before its descriptor is closed, so that whoever shuts
  /// descriptors down under a lock that this function takes never touches that of another client.
  void (*closed)(void *context, void *client);
  /// A remark of the library, without a line end.
  void (*log)(void *context, const char *message);
} amhd_callbacks;

typedef struct amhd_options {
  /// Threads that serve sockets. Beside them there is always one more, the health thread.
  unsigned threads;
  /// For each thread, and never to be reached: at its limit the library leaves clients waiting without a word.
  unsigned connections_per_thread;
  /// How long a connection may be silent. Never 0, which would mean for ever.
  unsigned timeout_seconds;
  /// Memory for each connection: its headers must fit, and half of it is the largest piece of a body.
  size_t connection_memory;
  size_t stack_size;
} amhd_options;

/// Starts the threads: MHD_start_daemon is variadic. NULL when the system has no more threads, memory or descriptors.
///
/// The library gets its clients from an entrance, not a listening socket. To stop accepting it offers
/// MHD_quiesce_daemon, which under load aborts the process about once in a thousand times (two threads take the
/// socket out of one epoll set, and the second finds it gone); and MHD_stop_daemon shuts a listening socket down for
/// every process that shares it.
amhd_daemon *amhd_start(const amhd_options *options, const amhd_callbacks *callbacks);

/// Changes whenever a thread's loop turns. Even: the thread waits for events. Odd: it is awake, and while the number
/// stays the same it is kept by one turn. Threads are counted from 0; the health thread comes after those that serve
/// sockets.
unsigned long amhd_turn(amhd_daemon *daemon, unsigned thread);

/// Where clients come in: a listening socket, and clients who have connected and not said anything yet. What a client
/// says first decides which thread serves it: requests for /livez, /readyz and /metrics go to the health thread, and
/// the others to the socket thread with the fewest connections, as do clients who have said nothing for 50 ms.
/// Everything here is for one thread, but for `amhd_handed_over`.
typedef struct amhd_entrance amhd_entrance;

/// NULL, with `errno`, when the system has no more memory or descriptors.
/// - listening_descriptor: non-blocking; listened to from `amhd_listen` on.
/// - wakeup: becomes readable when `amhd_wait` shall return.
/// - is_admin: all clients go to the health thread, marked as those of the admin address.
amhd_entrance *amhd_entrance_open(amhd_daemon *daemon, int listening_descriptor, int wakeup, bool is_admin);

/// Closes neither of the two descriptors. No client may be kept any more.
void amhd_entrance_close(amhd_entrance *entrance);

/// Whether `amhd_wait` shall tell of clients who wait in the listening socket.
void amhd_listen(amhd_entrance *entrance, bool listens);

typedef struct amhd_events {
  bool is_woken;
  /// Clients wait in the listening socket.
  bool has_clients;
  /// The system had no more memory for a client.
  bool is_exhausted;
} amhd_events;

/// Waits for at most so many milliseconds (-1 for ever), and hands over clients who have spoken, or been silent too
/// long.
amhd_events amhd_wait(amhd_entrance *entrance, int timeout);

typedef enum amhd_accepted {
  /// A client was accepted; it is handed over by what is called next.
  amhd_accepted_client = 0,
  /// Nobody is waiting, or who was has gone.
  amhd_accepted_none,
  /// The system has no more descriptors or memory: see `errno`, and try again later.
  amhd_accepted_exhausted,
} amhd_accepted;

/// Accepts one client.
amhd_accepted amhd_accept(amhd_entrance *entrance);

/// Hands over all that are kept.
void amhd_hand_over_all(amhd_entrance *entrance);

/// Clients that are accepted and not handed over yet.
unsigned amhd_kept(const amhd_entrance *entrance);

/// Clients that were handed over to threads since the start. From any thread.
unsigned long amhd_handed_over(amhd_entrance *entrance);

/// Ends the threads, cuts the connections that are left and frees the daemon. No connection may be suspended: the
/// library aborts then.
void amhd_stop(amhd_daemon *daemon);

/// The library's version, for log and `/version`.
const char *amhd_version(void);

/// The last header of a name (case does not matter), for those that are too rare for `amhd_head`.
amhd_text amhd_last_header(amhd_connection *connection, const char *name);

/// Calls `line` for each header of a name, in order.
void amhd_header_lines(
    amhd_connection *connection, const char *name, void *context, void (*line)(void *context, amhd_text value));

/// Calls `parameter` for each parameter of the query, in order: cut at `&` and the first `=`, plus signs replaced by
/// blanks, percent signs as sent. The value of one without `=` is empty.
void amhd_query(amhd_connection *connection, void *context,
                void (*parameter)(void *context, amhd_text name, amhd_text value));

/// In `finish` and in an `amhd_reader`: leaves the connection alone until `amhd_resume`. Its timeout does not run
/// meanwhile.
void amhd_suspend(amhd_connection *connection);

/// From any thread: `finish`, or the reader, is called again, on the connection's own thread.
void amhd_resume(amhd_connection *connection);

/// An answer whose body stays where it is: the bytes are sent from there, and `release(owner)` is called when they are
/// no longer needed, from whichever thread that happens on. NULL, and no release, when there is no memory.
amhd_response *amhd_response_create(const void *bytes, size_t size, void (*release)(void *owner), void *owner);

/// What a reader of a streamed body returns beside a number of bytes: there is no more; the connection shall be broken.
enum { amhd_read_end = -1, amhd_read_failed = -2 };
/// The size of a body that nobody knows yet: it is sent in chunks, or up to the end of the connection in HTTP/1.0.
enum { amhd_unknown_size = -1 };

/// Writes at most `room` bytes of a body, which begin at `position`, and returns how many; 0 only after `amhd_suspend`,
/// and then it is called again after `amhd_resume`. Called on the connection's thread whenever more can be sent.
typedef ssize_t (*amhd_reader)(void *owner, uint64_t position, char *buffer, size_t room);

/// An answer whose body is made while it is sent. NULL, and no release, when there is no memory.
/// - is_head: whether it answers HEAD; then nothing is read.
amhd_response *amhd_response_stream(
    int64_t size, bool is_head, amhd_reader read, void (*release)(void *owner), void *owner);

/// Adds a header. False, and nothing is added, when the value has a line end or is empty.
bool amhd_response_header(amhd_response *response, const char *name, const char *value);

/// Sends the answer, in `begin` or `finish`, and lets go of it in any case. Content-Length, Date and the rules for HEAD
/// are the library's.
bool amhd_respond(amhd_connection *connection, unsigned status, amhd_response *response);

#if defined(__cplusplus)
}
#endif

#endif
