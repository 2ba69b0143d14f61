/* SPDX-License-Identifier: MIT */
/* A folder of its own for each test of stores, and the store in it. */
#ifndef TESTS_STORE_FILES_H
#define TESTS_STORE_FILES_H

#include "op_driver.h"

#include <dirent.h>
#include <limits.h>
#include <unistd.h>

/* Children of these tests start threads; TSan would end them. Other builds never ask. */
__attribute__((visibility("default"))) const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "die_after_fork=0";
}

#if defined(__SANITIZE_THREAD__)
#define BUILT_FOR_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define BUILT_FOR_TSAN 1
#endif
#endif

struct shop {
    char folder[64];
    char path[128];
    char gen[140];
};

static const struct where nowhere = { "test.conf", 1 };

static inline void shop_open(struct shop *shop)
{
    snprintf(shop->folder, sizeof shop->folder, "/tmp/paa-store-XXXXXX");
    if (mkdtemp(shop->folder) == NULL)
        abort();
    snprintf(shop->path, sizeof shop->path, "%s/keys.db", shop->folder);
    snprintf(shop->gen, sizeof shop->gen, "%s.gen", shop->path);
}

static inline void shop_close(struct shop *shop)
{
    DIR *folder = opendir(shop->folder);
    struct dirent *entry;

    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] != '.')
            unlinkat(dirfd(folder), entry->d_name, 0);
    }
    if (folder != NULL)
        closedir(folder);
    rmdir(shop->folder);
}

/* A context whose `keys` (and, if `state`, also `state`) lies there. */
static inline struct paa_table *shop_world(struct shop *shop, struct world *world, uint32_t flags)
{
    world_init(world, flags);
    if (stores_define(world->services.stores, "keys", shop->path, nowhere) != 0)
        abort();
    return table_in(world, "records", PAA_TABLE_TRUSTED);
}

/* Gets until one is answered at once, from the image. */
static inline bool becomes_hot(struct driver *d, struct paa_table *table, const char *key)
{
    for (int i = 0; i < 1000; i++) {
        enum paa_result result =
            services_host_store.get(&d->op.pub, table, text_bytes(key), driver_then, d);
        bool hot = d->op.wait.state == OP_WAIT_READY;

        driver_settle(d, result);
        if (hot)
            return true;
    }
    return false;
}

#endif
