/* SPDX-License-Identifier: MIT */
/*
 * What keys.c (open, read again), key_expiry.c (certificates that are about to end), key_host.c (what plugins see)
 * and key_present.c (TLS) share. For nobody else.
 *
 * A key of the policy is a decoded source: whoever uses it pins the material there is. An imported one has its own.
 */
#ifndef SERVICES_KEY_INNER_H
#define SERVICES_KEY_INNER_H

#include "key_material.h"
#include "keys.h"
#include "list.h"
#include "reactor.h"
#include "services.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

enum { KEYS_CHECK_MS = 60 * 60 * 1000 }; /* between two looks at what expires */

enum key_stage { KEY_GOOD = 1, KEY_EARLY, KEY_ENDING, KEY_ENDED };

struct paa_key {
    struct keys *keys;
    struct paa_source *source;     /* decoded to struct key_material; NULL: imported */
    struct key_material *material; /* of an imported key */
    uint64_t version;              /* likewise */
    char *id;                      /* NULL: none */
    int64_t warn_before_s;
    bool is_pkcs12;
    char *uri;    /* of a key that stays in a token; NULL: it does not */
    char *module; /* NULL: none */
    bool has_passphrase;
    char *told_passphrase; /* by a person; secret memory. NULL: nobody was asked */
    size_t told_size;
    struct where where;   /* its file is an own copy */
    char *place;          /* of the leaf, for sentences */
    char *file;           /* where the key is, likewise */
    struct list link;     /* of those that have a source */
    _Atomic bool is_open; /* key_open is done: what there is to say goes to the log */
    _Atomic int told;     /* enum key_stage of what is there now, once it was told; 0: not yet */
};

struct keys {
    struct services *services;
    pthread_mutex_t lock;
    struct list open;
    key_ask_fn ask_fn; /* NULL: nobody can be asked now */
    void *ask_arg;
    struct timer timer;
    pid_t pid; /* of the process that started; 0: none */
};

/* key_ask.c: what unlocks a key that says not where its passphrase is: what another key of the same file was told, or what
 * a person says now. False: there is nothing new. */
bool key_ask(struct paa_key *key, const char *place);
/* The private key: a reference of the caller's. May block where a token has it. NULL: the log says why. */
EVP_PKEY *key_private(struct services *services, const struct key_material *material);
/* Logs what there is to say of the material, unless that was done. */
void key_tell(struct paa_key *key, const struct key_material *material);
/* What there is to say of the material's leaf, and in *ret_warning how; "": nothing. */
enum key_stage key_stage_of(const struct paa_key *key, const struct key_material *material,
                            struct paa_error *ret_warning);

#endif
