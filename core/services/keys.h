/* SPDX-License-Identifier: MIT */
/*
 * Private keys with their certificates: opaque handles that sign. Read and unlocked when the policy is opened and
 * again when a file changes, never on a request's thread; what cannot be used is refused in a sentence, and the
 * last good material stays. key_material.h makes material of bytes, key_sign.h signs. Knows no policy syntax.
 */
#ifndef SERVICES_KEYS_H
#define SERVICES_KEYS_H

#include "sources.h"

#include <openssl/types.h>

enum { KEY_MESSAGE_MAX = 64 * 1024 }; /* bytes that one call of sign takes */

/* What a host is handed to present in TLS. Made once, with the material. */
struct key_shown {
    struct paa_str chain_pem; /* leaf first; absent: the key has no certificates */
    struct paa_str key_pem;   /* PKCS#8, in secret memory; absent if it cannot leave its token: */
    struct paa_str key_uri;
    struct paa_str key_module; /* of a token's key: its PKCS#11 library; absent: none is named */
    struct paa_str key_pin;    /* likewise, in secret memory; ends with NUL */
    uint64_t id; /* of key and certificates, and where the key is: the first 64 bits of a SHA-256 */
};

/* What the policy says. Where the key is, unless it has a URI; then where its passphrase or PIN is, if has_passphrase;
 * then each certificate file, the leaf's first. */
struct key_spec {
    const struct source_spec *specs;
    size_t count;
    bool is_pkcs12;     /* the key is a PKCS#12 file, which has its certificates with it */
    const char *uri;    /* of a key that stays in a token; NULL: it is a file's */
    const char *module; /* the token's PKCS#11 library; NULL: none is named */
    bool has_passphrase;
    const char *id;        /* NULL: none */
    int64_t warn_before_s; /* that much before the certificate expires, it is told */
};

struct keys; /* all of one context: services_init's, _start's, _stop's and _free's */
struct keys *keys_new(struct services *services);
void keys_free(struct keys *keys);
/* With the reactor there, in each process that starts; and with it still there. */
void keys_start(struct keys *keys);
void keys_stop(struct keys *keys);

/* Asks a person for the passphrase of that file. Its size, at most size; -1: declined. */
typedef int64_t (*key_ask_fn)(const char *place, char *ret_passphrase, size_t size, void *arg);
/* From now on keys may ask so, on the thread that opens them; NULL: no longer. What was said is kept for when the file is
 * read again. */
void keys_ask_by(struct keys *keys, key_ask_fn ask_fn, void *arg);

/* Reads it at once. Everything of the spec is copied. Never NULL but for no memory; a key that cannot be used now is
 * UNAVAILABLE to plugins, and *error says why (text[0] == 0: it can). *ret_warning: what the operator should know of a
 * key that can (text[0] == 0: nothing). */
struct paa_key *key_open(struct services *services, const struct key_spec *spec,
                         struct paa_error *error, struct paa_error *ret_warning);
/* Of key_open's, once no operation runs that could name it. NULL is fine. */
void key_close(struct paa_key *key);
/* Reads again now, on this thread; for reloads and tests. */
void key_refresh(struct paa_key *key);

/* Any thread: leaf, chain and private key into ctx, a fresh one, all of the same reading. 0, or -1: there is no
 * material, it has no certificate, or ctx refuses it; then ctx must not be used. Takes a lock. */
int key_present(const struct paa_key *key, SSL_CTX *ctx);
/* Any thread: changes with the material, never 0 once there is some, and no two keys of a context share one unless
 * their material is the same. To be asked before key_present: then what is presented is that version or a later one. */
uint64_t key_version(const struct paa_key *key);
/* As the operation sees it, the same until its pins are released; NULL: there is no material now. *ret_holds: it is to be
 * let go, for its plugin may release the key before. */
const struct key_shown *key_shown_of(struct op *op, const struct paa_key *key, bool *ret_holds);
void key_shown_let_go(const struct key_shown *shown);
/* Any thread: the id of what a host would be shown now; 0: nothing. */
uint64_t key_shown_id(const struct paa_key *key);

#endif
