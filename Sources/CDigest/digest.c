#include "CDigest.h"

#include <nettle/sha2.h>

void digest_sha256(const void *bytes, size_t size, uint8_t *digest) {
  struct sha256_ctx state;
  sha256_init(&state);
  if (size > 0) sha256_update(&state, size, bytes);
  sha256_digest(&state, SHA256_DIGEST_SIZE, digest);
}
