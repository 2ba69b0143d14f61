/* SPDX-License-Identifier: MIT */
/* The three digests of digest.h, with libcrypto. Knows no record and no store. */
/*
 * SHA-256 by SHA256_*, which OpenSSL calls deprecated: through EVP, libcrypto 3.0 frees and allocates its context
 * anew for every digest, which costs half a digest, and a request allocates nothing. The pepper's HMAC, which
 * few keys need, goes through its usual door.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "digest.h"

#include "secret.h"

#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdlib.h>

#define DOMAIN_MINTED   "paa-apikey-1"
#define DOMAIN_IMPORTED "paa-apikey-import-1"
#define DOMAIN_SHORT    "paa-apikey-pepper-1"

bool digest_lane_init(struct digest_lane *lane)
{
    lane->context = calloc(1, sizeof(SHA256_CTX));
    return lane->context != NULL;
}

void digest_lane_done(struct digest_lane *lane)
{
    free(lane->context);
    lane->context = NULL;
}

/* Raises no error and allocates nothing, as do the two that call it. */
static bool sha256(struct digest_lane *lane, struct paa_bytes head, struct paa_str text,
                   unsigned char ret_digest[DIGEST_SIZE])
{
    SHA256_CTX *context = (SHA256_CTX *)lane->context;
    bool done = SHA256_Init(context) == 1 && SHA256_Update(context, head.data, head.size) == 1 &&
                SHA256_Update(context, text.data, text.size) == 1 &&
                SHA256_Final(ret_digest, context) == 1;

    secret_wipe(context, sizeof *context);
    return done;
}

bool digest_minted(struct digest_lane *lane, const struct key_parts *parts,
                   unsigned char ret_digest[DIGEST_SIZE])
{
    unsigned char head[sizeof DOMAIN_MINTED + 2] = DOMAIN_MINTED;
    unsigned char *sizes = head + sizeof DOMAIN_MINTED - 1;

    sizes[0] = (unsigned char)parts->prefix.size;
    sizes[1] = (unsigned char)parts->id.size;
    sizes[2] = (unsigned char)parts->secret.size;
    return sha256(lane, paa_bytes_of(head, sizeof head), parts->body, ret_digest);
}

bool digest_imported(struct digest_lane *lane, struct paa_str text,
                     unsigned char ret_digest[DIGEST_SIZE])
{
    unsigned char head[sizeof DOMAIN_IMPORTED + 1] = DOMAIN_IMPORTED;
    unsigned char *size = head + sizeof DOMAIN_IMPORTED - 1;

    size[0] = (unsigned char)(text.size >> 8);
    size[1] = (unsigned char)(text.size & 0xff);
    return sha256(lane, paa_bytes_of(head, sizeof head), text, ret_digest);
}

bool digest_short(struct paa_bytes pepper, struct paa_str text,
                  unsigned char ret_digest[DIGEST_SIZE])
{
    unsigned char message[sizeof DOMAIN_SHORT + IMPORT_PLAIN_MIN] = DOMAIN_SHORT;
    size_t head = sizeof DOMAIN_SHORT;
    int found_errno = errno;
    bool done;

    if (text.size >= IMPORT_PLAIN_MIN || pepper.size < PEPPER_MIN || pepper.size > INT_MAX)
        return false;
    message[head - 1] = (unsigned char)text.size;
    memcpy(message + head, text.data, text.size);
    ERR_set_mark();
    done = HMAC(EVP_sha256(), pepper.data, (int)pepper.size, message, head + text.size, ret_digest,
                NULL) != NULL;
    ERR_pop_to_mark();
    errno = found_errno;
    secret_wipe(message, sizeof message);
    return done;
}

bool digest_eq(const unsigned char a[DIGEST_SIZE], const unsigned char b[DIGEST_SIZE])
{
    return CRYPTO_memcmp(a, b, DIGEST_SIZE) == 0;
}
