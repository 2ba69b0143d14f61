/* SPDX-License-Identifier: MIT */
/* content.h, with libcrypto's digests. */
#include "content.h"

#include "str.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>

enum { ALL_ALGORITHMS = (1 << CONTENT_ALGORITHMS) - 1, RUNNING_BYTES = 512 /* about */ };

static const struct {
    const char *name;
    const EVP_MD *(*md)(void);
    size_t size;
} algorithms[CONTENT_ALGORITHMS] = {
    [CONTENT_SHA256] = { "sha-256", EVP_sha256, 32 },
    [CONTENT_SHA512] = { "sha-512", EVP_sha512, 64 },
};

enum content_algorithm content_algorithm(struct paa_str name)
{
    for (int i = 0; i < CONTENT_ALGORITHMS; i++)
        if (paa_str_eq(name, algorithms[i].name))
            return (enum content_algorithm)i;
    return CONTENT_BYTES;
}

size_t content_digest_size(enum content_algorithm algorithm)
{
    return algorithms[algorithm].size;
}

void content_init(struct content *content, int64_t stated)
{
    memset(content, 0, sizeof *content);
    content->stated = stated;
    content->keep = CONTENT_SHARED_MAX;
    buf_init(&content->kept, CONTENT_MAX);
}

static void drop_running(struct content *content)
{
    for (int i = 0; i < CONTENT_ALGORITHMS; i++) {
        EVP_MD_CTX_free(content->running[i]);
        content->running[i] = NULL;
    }
}

void content_free(struct content *content)
{
    drop_running(content);
    buf_free(&content->kept);
}

void content_want(struct content *content, size_t limit)
{
    if (limit > CONTENT_MAX)
        limit = CONTENT_MAX;
    if (limit > content->keep)
        content->keep = limit;
}

/* ---- digests that run --------------------------------------------------------------------------- */

static bool begin_digest(struct content *content, int algorithm)
{
    EVP_MD_CTX *ctx = content->running[algorithm] = EVP_MD_CTX_new();

    return ctx != NULL && EVP_DigestInit_ex(ctx, algorithms[algorithm].md(), NULL) == 1 &&
           EVP_DigestUpdate(ctx, content->kept.data, content->kept.size) == 1;
}

void content_let_go(struct content *content, unsigned wanted)
{
    int saved = errno;

    if (content->is_let_go || content->is_ended)
        return;
    ERR_set_mark();
    for (int i = 0; i < CONTENT_ALGORITHMS; i++)
        if ((wanted >> i & 1) != 0 && !begin_digest(content, i))
            content->has_failed = true;
    ERR_pop_to_mark();
    buf_free(&content->kept);
    content->is_let_go = true;
    errno = saved;
}

static void update_digests(struct content *content, struct paa_bytes piece)
{
    int saved = errno;

    ERR_set_mark();
    for (int i = 0; i < CONTENT_ALGORITHMS; i++)
        if (content->running[i] != NULL &&
            EVP_DigestUpdate(content->running[i], piece.data, piece.size) != 1)
            content->has_failed = true;
    ERR_pop_to_mark();
    errno = saved;
}

static bool finish_digest(struct content *content, enum content_algorithm algorithm)
{
    unsigned char *digest = content->digest[algorithm];

    if (content->running[algorithm] != NULL)
        return EVP_DigestFinal_ex(content->running[algorithm], digest, NULL) == 1;
    return !content->is_let_go && EVP_Digest(content->kept.data, content->kept.size, digest, NULL,
                                             algorithms[algorithm].md(), NULL) == 1;
}

struct paa_bytes content_digest(struct content *content, enum content_algorithm algorithm)
{
    int saved = errno;

    if (!content->is_ended || content->has_failed)
        return BYTES_NONE;
    if (!content->has_digest[algorithm]) {
        ERR_set_mark();
        content->has_digest[algorithm] = finish_digest(content, algorithm);
        ERR_pop_to_mark();
        errno = saved;
    }
    return content->has_digest[algorithm]
               ? paa_bytes_of(content->digest[algorithm], algorithms[algorithm].size)
               : BYTES_NONE;
}

/* ---- what comes ---------------------------------------------------------------------------------- */

void content_add(struct content *content, struct paa_bytes piece)
{
    if (content->is_ended && piece.size > 0)
        content->has_failed = true; /* more than all of it */
    if (content->is_ended || piece.size == 0)
        return;
    content->size += piece.size;
    if (content->stated >= 0 && content->size > (uint64_t)content->stated)
        content->has_failed = true;
    if (!content->is_let_go && content->size > content->keep)
        content_let_go(content, ALL_ALGORITHMS);
    if (content->is_let_go) {
        update_digests(content, piece);
        return;
    }
    buf_add(&content->kept, piece.data, piece.size);
    if (content->kept.failed)
        content->has_failed = true;
}

void content_end(struct content *content)
{
    if (content->stated >= 0 && content->size != (uint64_t)content->stated)
        content->has_failed = true;
    content->is_ended = true;
}

struct paa_bytes content_bytes(const struct content *content)
{
    struct paa_str bytes = buf_str(&content->kept);

    return content->has_failed ? BYTES_NONE : paa_bytes_of(bytes.data, bytes.size);
}

size_t content_memory(const struct content *content)
{
    size_t size = content->kept.capacity;

    for (int i = 0; i < CONTENT_ALGORITHMS; i++)
        size += content->running[i] != NULL ? RUNNING_BYTES : 0;
    return size;
}
