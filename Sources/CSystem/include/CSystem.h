/// What the C library has and Swift does not say.
#ifndef AUTOGRAD_CSYSTEM_H
#define AUTOGRAD_CSYSTEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__cplusplus)
extern "C" {
#endif

/// The program's arguments, its name first, ended by NULL, as the C library was given them. Swift's `CommandLine` reads
/// /proc/self/cmdline instead: where /proc is not mounted it has no arguments.
char *const *system_arguments(void);

// MARK: - Memory

/// Sets glibc's allocator up for megabytes allocated and freed by each request: keeps at most `most` bytes of what is
/// freed.
void system_tune_malloc(size_t most);
/// Gives freed memory back to the system.
void system_trim_malloc(void);

/// Memory from the system, of its own pages: maps it, or makes what is mapped larger without copying. NULL when there
/// is none, and then what was mapped is as before.
void *system_map(void *base, size_t size, size_t wanted);
void system_unmap(void *base, size_t size);

// MARK: - Memory that processes share

/// The descriptor, 64 or above, of zeroed memory without a name in any file system, closed on exec; -1 with `errno`.
/// Its size never changes and may be far more than there is memory: pages are taken when they are allocated.
/// \param size gets the size, which is less than `wanted` where files may not be that large.
int system_shared_create(const char *name, uint64_t wanted, uint64_t *size);
/// Takes memory for a range, so that writing to it cannot fail. False with `errno`, and then nothing has been taken.
bool system_shared_allocate(int descriptor, uint64_t offset, uint64_t size);
/// Gives the memory of whole pages back; they read as zeros from then on, also where they are mapped.
bool system_shared_discard(int descriptor, uint64_t offset, uint64_t size);

/// Bytes of a lock.
enum { system_lock_bytes = 128 };
typedef enum system_lock_outcome {
  system_lock_taken,
  /// Taken too, but its last owner has died with it: look at what it protects, and then `system_lock_mend`.
  system_lock_abandoned,
  /// Somebody has it, this thread perhaps.
  system_lock_refused,
} system_lock_outcome;

/// Makes a lock in shared memory for the threads of all processes. It is released when its owner dies.
bool system_lock_make(void *lock);
/// Waits for at most `seconds`.
system_lock_outcome system_lock_take(void *lock, unsigned seconds);
void system_lock_mend(void *lock);
void system_lock_release(void *lock);

/// Words in shared memory, in one order for all processes (sequentially consistent).
static inline uint64_t system_word_load(const uint64_t *word) { return __atomic_load_n(word, __ATOMIC_SEQ_CST); }
static inline void system_word_store(uint64_t *word, uint64_t value) {
  __atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}
/// Stores `value` if the word is still `expected`.
static inline bool system_word_exchange(uint64_t *word, uint64_t expected, uint64_t value) {
  return __atomic_compare_exchange_n(word, &expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

// MARK: - Sockets

/// What the kernel knows of a connection.
typedef struct system_socket_facts {
  /// Bytes that have come since it was opened, read or not.
  uint64_t received;
  /// The client sends no more.
  bool is_ended;
  /// There is something that nobody has read yet.
  bool has_unread;
} system_socket_facts;

/// Zeros for sockets that are not TCP's.
system_socket_facts system_look(int descriptor);

/// Writes the 16 bytes of the other end's address, IPv4 as ::ffff:a.b.c.d. False where it has none.
bool system_peer(int descriptor, void *address);
/// Whether there is something that the client has not fetched yet of what the kernel was given for it.
bool system_has_unsent(int descriptor);

/// When the connection is closed, what the client has not fetched by then is thrown away; otherwise the kernel would
/// keep it for minutes.
void system_discard_on_close(int descriptor);

/// Breaks a connection at once, so that the client cannot take what it has for everything. The descriptor stays open.
void system_reset(int descriptor);

/// POLLRDHUP, which is not in Swift's Glibc module: poll's word for a client that sends no more.
enum { system_poll_hung_up = 0x2000 };

/// Lets no new connection begin on a listening socket while those whose handshake is under way still finish it. Closing
/// the socket resets every client it has not yet handed out, so before it is closed the stream of clients must run dry:
/// with this, `accept` until nobody is left, and none is lost. A client turned away here tries again a second
/// later and finds the next server, or none. Not for a socket that others share. False when the kernel does not know
/// how.
bool system_refuse_connections(int listening_descriptor);

#if defined(__cplusplus)
}
#endif

#endif
