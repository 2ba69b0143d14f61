/* SPDX-License-Identifier: MIT */
/*
 * A request's content as it streams by: the bytes as long as they are few, their digests from then on. So whoever asks
 * later still gets what was small, and the digest of what was not, whatever was asked for first. Knows no transaction.
 */
#ifndef ENGINE_CONTENT_H
#define ENGINE_CONTENT_H

#include "buf.h"

enum {
    CONTENT_MAX = 1024 * 1024,     /* that a plugin may ask for at once */
    CONTENT_SHARED_MAX = 64 * 1024 /* kept in any case, for the steps that ask later */
};

enum content_algorithm { CONTENT_SHA256, CONTENT_SHA512, CONTENT_ALGORITHMS, CONTENT_BYTES = -1 };

enum { CONTENT_DIGEST_MAX = 64 };

struct content {
    int64_t stated; /* how long it is to be; -1: not known */
    uint64_t size;  /* that came so far */
    size_t keep;    /* how much may be kept */
    struct buf kept;
    bool is_let_go; /* it was more: only digests go on */
    bool is_ended;
    bool has_failed;                   /* no memory, not as long as stated, or libcrypto fails */
    void *running[CONTENT_ALGORITHMS]; /* EVP_MD_CTX; NULL: not begun */
    bool has_digest[CONTENT_ALGORITHMS];
    unsigned char digest[CONTENT_ALGORITHMS][CONTENT_DIGEST_MAX];
};

/* By RFC 9530's name ("sha-256"); CONTENT_BYTES: unknown. */
enum content_algorithm content_algorithm(struct paa_str name);
size_t content_digest_size(enum content_algorithm algorithm);

void content_init(struct content *content, int64_t stated);
void content_free(struct content *content); /* wipes */
/* Up to `limit` bytes are wanted. */
void content_want(struct content *content, size_t limit);
/* The bytes so far are of no more use; these digests (bits by algorithm) go on. */
void content_let_go(struct content *content, unsigned algorithms);
void content_add(struct content *content, struct paa_bytes piece);
void content_end(struct content *content);
/* Of content that has ended; it lives as long as content. Absent: it failed, or that digest was let go. */
struct paa_bytes content_digest(struct content *content, enum content_algorithm algorithm);
/* Likewise, of content that was not let go. */
struct paa_bytes content_bytes(const struct content *content);
/* What it takes beside itself. */
size_t content_memory(const struct content *content);

#endif
