/* SPDX-License-Identifier: MIT */
/* What is measured beside PAA in the same run, each behind a door of its own: Linux-PAM, SQLite,
 * libcrypto, cjose, libjwt, liboauth2. */
#ifndef BENCH_PEERS_H
#define BENCH_PEERS_H

#include "keys.h"
#include "tokens.h"

/* A whole transaction through four lines of pam_permit: pam_start_confdir, pam_authenticate, pam_end. NULL: this
 * program was built without libpam. */
struct pam_peer *pam_peer_open(void);
void pam_peer_close(struct pam_peer *peer);
void pam_peer_run(void *state, uint64_t count);

/* The record of a key by a kept statement, from the file that the store uses. */
struct sqlite_peer *sqlite_peer_open(const char *path, const struct keys *keys);
void sqlite_peer_close(struct sqlite_peer *peer);
void sqlite_peer_run(void *state, uint64_t count);

/* What nobody can go below: SHA-256 of 64 bytes with a kept context, then one line of a table with that many
 * lines, chosen by that digest; the next text depends on what was there. */
enum { FLOOR_COLD_LINES = 2 * 1024 * 1024 }; /* 128 MiB: beyond every cache */
struct floor *floor_open(const struct keys *keys, size_t lines);
void floor_close(struct floor *floor);
void floor_run(void *state, uint64_t count);

/* A token's signature by libcrypto alone: what no verifier can go below. */
struct evp_peer *evp_peer_open(const struct token *token);
void evp_peer_close(struct evp_peer *peer);
void evp_peer_run(void *state, uint64_t count);

/* A whole token. NULL: this program was built without the library, or it does not know the algorithm. */
struct cjose_peer *cjose_peer_open(const struct token *token);
void cjose_peer_close(struct cjose_peer *peer);
void cjose_peer_run(void *state, uint64_t count);
struct libjwt_peer *libjwt_peer_open(const struct token *token);
void libjwt_peer_close(struct libjwt_peer *peer);
void libjwt_peer_run(void *state, uint64_t count);
struct liboauth2_peer *liboauth2_peer_open(const struct token *token);
/* Those tokens in turn, each text with a NUL, good at now_s: verified the first time, then out of its cache, which has a
 * place for each. */
struct liboauth2_peer *liboauth2_seen_open(const struct token *token, const char *const *tokens,
                                           size_t count, int64_t now_s);
void liboauth2_peer_close(struct liboauth2_peer *peer);
void liboauth2_peer_run(void *state, uint64_t count);

#endif
