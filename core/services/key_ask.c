/* SPDX-License-Identifier: MIT */
/* Passphrases that a person says, while a host opens its policy: asked for once, and kept for later readings. */
#include "key_inner.h"
#include "secret.h"

#include <string.h>

enum { PASSPHRASE_MAX = 1024 };

void keys_ask_by(struct keys *keys, key_ask_fn ask_fn, void *arg)
{
    keys->ask_fn = ask_fn;
    keys->ask_arg = arg;
}

static bool keep(struct paa_key *key, const char *passphrase, size_t size)
{
    char *copy = secret_alloc(size + 1);

    if (copy == NULL)
        return false;
    memcpy(copy, passphrase, size);
    secret_free(key->told_passphrase, key->told_size + 1);
    key->told_passphrase = copy;
    key->told_size = size;
    return true;
}

/* After a reload nobody can be asked, and the old key of the same file knows. */
static bool inherit(struct paa_key *key)
{
    struct keys *keys = key->keys;
    bool is_found = false;

    if (key->told_passphrase != NULL)
        return false;
    pthread_mutex_lock(&keys->lock);
    for (struct list *at = keys->open.next; at != &keys->open && !is_found; at = at->next) {
        const struct paa_key *other = LIST_ENTRY(at, struct paa_key, link);

        is_found = other->told_passphrase != NULL && strcmp(other->file, key->file) == 0 &&
                   keep(key, other->told_passphrase, other->told_size);
    }
    pthread_mutex_unlock(&keys->lock);
    return is_found;
}

bool key_ask(struct paa_key *key, const char *place)
{
    struct keys *keys = key->keys;
    char *reply;
    int64_t size;
    bool is_told;

    if (inherit(key))
        return true;
    if (keys->ask_fn == NULL || atomic_load(&key->is_open))
        return false;
    reply = secret_alloc(PASSPHRASE_MAX);
    if (reply == NULL)
        return false;
    size = keys->ask_fn(place, reply, PASSPHRASE_MAX, keys->ask_arg);
    is_told = size >= 0 && size <= PASSPHRASE_MAX && keep(key, reply, (size_t)size);
    secret_free(reply, PASSPHRASE_MAX);
    return is_told;
}
