/// SHA-256 (FIPS 180-4), by nettle, which libmicrohttpd brings along through GnuTLS: it uses the processor's
/// instructions for it where there are any.
#ifndef AUTOGRAD_CDIGEST_H
#define AUTOGRAD_CDIGEST_H

#include <stddef.h>
#include <stdint.h>

#if defined(__cplusplus)
extern "C" {
#endif

/// Writes the 32 bytes of the digest of `size` bytes.
void digest_sha256(const void *bytes, size_t size, uint8_t *digest);

#if defined(__cplusplus)
}
#endif

#endif
