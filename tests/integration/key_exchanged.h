/* SPDX-License-Identifier: MIT */
/* A key file that becomes another one under a context that is open, of a kind the policy does not allow for, say. */
#ifndef TESTS_KEY_EXCHANGED_H
#define TESTS_KEY_EXCHANGED_H

#include "host.h"
#include "unit/key_made.h"

#include <sched.h>

static inline void key_file(const struct host *host, const char *name, EVP_PKEY *key)
{
    char path[HOST_PATH_MAX + 32];

    (void)snprintf(path, sizeof path, "%s/%s", host->folder, name);
    if (key != NULL)
        store_key(path, key, NULL);
    else
        store_file(path, "none", 4, 0600);
}

static inline void key_await_log(struct host *host, const char *text)
{
    bool is_said = false;

    while (!is_said) {
        sched_yield();
        pthread_mutex_lock(&host->lock);
        is_said = strstr(host->log, text) != NULL;
        pthread_mutex_unlock(&host->lock);
    }
}

/* That a good file took the place of another good one is not told. So there is none in between: once per context. */
static inline void key_exchange(struct host *host, const char *name, EVP_PKEY *key)
{
    atomic_store(&host->is_live, true);
    key_file(host, name, NULL);
    key_await_log(host, "stays in use");
    key_file(host, name, key);
    key_await_log(host, "can be read again");
}

#endif
