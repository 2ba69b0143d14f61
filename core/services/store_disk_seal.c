/* SPDX-License-Identifier: MIT */
/*
 * Values of SECRET tables on their way into the file and out of it (store_seal.h). On the store's thread, with
 * disk_lock. Knows where the key comes from: what the policy's `seal` says was given before; without it, PATH.key,
 * which the first write makes. Knows no statement.
 *
 * A record that does not open is as good as none to readers, and one that is there to PUT_NEW: a cache makes its
 * value anew, a replay memory stays shut until the record expires. If the key itself cannot be had, nothing is
 * answered.
 */
#include "store_disk.h"

#include "source_read.h"
#include "store_seal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LOG_EVERY_MS = 60 * 1000, ROOM_MIN = 4096 };

/* ---- the key ----------------------------------------------------------------------------------- */

static struct seal_ring *ring_of(const struct source_bytes *bytes, struct paa_error *error)
{
    struct paa_bytes secrets[SEAL_KEYS_MAX + 1];
    size_t count = bytes->count <= SEAL_KEYS_MAX ? bytes->count : SEAL_KEYS_MAX + 1;

    for (size_t i = 0; i < count; i++)
        secrets[i] = paa_bytes_of(bytes->parts[i].data, bytes->parts[i].size);
    return seal_ring_new(secrets, count, error);
}

struct seal_ring *store_ring_read(const struct source_spec *specs, size_t count,
                                  const struct chance *chance, struct paa_error *error)
{
    struct source_bytes *bytes = source_read(specs, count, chance, error);
    struct seal_ring *ring = bytes != NULL ? ring_of(bytes, error) : NULL;

    source_bytes_free(bytes);
    return ring;
}

/* chance NULL: none is made. NULL: there is none (an empty sentence), or it cannot be had. */
static struct seal_ring *ring_beside(const struct store *store, const struct chance *chance,
                                     struct paa_error *error)
{
    struct source_spec spec = { .kind = SOURCE_FILE, .flags = SOURCE_SECRET };
    struct seal_ring *ring = NULL;
    char *path = NULL;

    error->text[0] = '\0';
    if (asprintf(&path, "%s.key", store->path) < 0) {
        (void)snprintf(error->text, sizeof error->text, "no memory is left");
        return NULL;
    }
    spec.text = paa_str_of(path);
    if (chance != NULL)
        spec.flags |= (uint32_t)SOURCE_GENERATE;
    if (chance != NULL || access(path, F_OK) == 0 || errno != ENOENT)
        ring = store_ring_read(&spec, 1, chance, error);
    free(path);
    return ring;
}

/* What another process made meanwhile, looked for now and then. */
static void ring_again(struct store *store)
{
    int64_t now_ms = store_steady_ms();
    struct paa_error error;
    struct seal_ring *ring;

    if (store->ring_given || now_ms - store->ring_read_ms < STORE_TICK_MS)
        return;
    store->ring_read_ms = now_ms;
    ring = ring_beside(store, NULL, &error);
    if (ring == NULL || seal_ring_equal(ring, store->ring)) {
        seal_ring_free(ring);
        return;
    }
    seal_ring_free(store->ring);
    store->ring = ring;
    store->ring_bound = false;
}

/* False: no key; an empty sentence if that is because nothing was ever sealed here. */
static bool ring_ready(struct store *store, const struct chance *chance, struct paa_error *error)
{
    error->text[0] = '\0';
    if (store->ring == NULL) {
        store->ring_read_ms = store_steady_ms();
        store->ring = ring_beside(store, chance, error);
        store->ring_bound = false;
    }
    if (store->ring == NULL)
        return false;
    if (!store->ring_bound)
        store->ring_bound = seal_ring_bind(store->ring, store->salt);
    if (!store->ring_bound)
        (void)snprintf(error->text, sizeof error->text, "no memory is left for a sealing key");
    return store->ring_bound;
}

void disk_ring_set(struct store *store, struct seal_ring *ring)
{
    bool is_same = ring == store->ring || seal_ring_equal(ring, store->ring);

    store->ring_given = ring != NULL;
    if (is_same) {
        seal_ring_free(ring != store->ring ? ring : NULL);
        return;
    }
    seal_ring_free(store->ring);
    store->ring = ring;
    store->ring_bound = false;
    disk_begin_anew(store); /* what did not open before may open now, and the other way round */
}

void disk_seal_free(struct store *store)
{
    seal_ring_free(store->ring);
    secret_free(store->plain, store->plain_room);
    free(store->sealed);
}

/* ---- records ----------------------------------------------------------------------------------- */

static struct seal_place place_of(const struct store_table *table, const struct disk_row *row)
{
    return (struct seal_place){ table->address, row->key, row->expires_at_s, row->version };
}

static size_t room_for(size_t size)
{
    size_t room = ROOM_MIN;

    while (room < size)
        room *= 2;
    return room;
}

static bool plain_room(struct store *store, size_t size)
{
    if (store->plain != NULL && store->plain_room >= size)
        return true;
    secret_free(store->plain, store->plain_room);
    store->plain_room = room_for(size);
    store->plain = secret_alloc(store->plain_room);
    return store->plain != NULL;
}

/* One line a minute, however many there are: who can damage the file shall not fill the log. */
static void tell_unopened(struct store *store, const struct store_table *table, const char *why)
{
    int64_t now_ms = store_steady_ms();

    store->unopened++;
    if (store->unopened_ms != 0 && now_ms - store->unopened_ms < LOG_EVERY_MS)
        return;
    store_log(store, PAA_LEVEL_ERROR,
              "%s: a sealed record of %s %s, and counts as absent (%u so far): give its key in "
              "`seal`, or let it be made anew",
              store->path, table->address, why, store->unopened);
    store->unopened_ms = now_ms;
}

static enum seal_result open_row(struct store *store, const struct store_table *table,
                                 const struct disk_row *row)
{
    struct seal_place place = place_of(table, row);

    if (!plain_room(store, row->value.size))
        return SEAL_FAILED;
    return seal_open(store->ring, &place, row->value, store->plain);
}

static enum unseal keyless(struct store *store, const struct store_table *table,
                           const struct paa_error *error)
{
    if (error->text[0] == '\0') {
        tell_unopened(store, table, "has lost its key");
        return UNSEAL_NONE;
    }
    store->unseal_error = *error;
    return UNSEAL_KEYLESS;
}

enum unseal disk_unseal(struct store *store, const struct store_table *table, struct disk_row *row)
{
    struct paa_error error;
    enum seal_result result;

    if (!table->is_secret || row->gone)
        return UNSEAL_OK;
    if (!ring_ready(store, NULL, &error))
        return keyless(store, table, &error);
    result = open_row(store, table, row);
    if (result == SEAL_STRANGE) {
        ring_again(store);
        if (!ring_ready(store, NULL, &error))
            return keyless(store, table, &error);
        result = open_row(store, table, row);
    }
    if (result == SEAL_FAILED) {
        (void)snprintf(error.text, sizeof error.text, "no memory is left");
        return keyless(store, table, &error);
    }
    if (result != SEAL_OK) {
        tell_unopened(store, table,
                      result == SEAL_STRANGE ? "was sealed by another key" : "was changed");
        return UNSEAL_NONE;
    }
    row->value = paa_bytes_of(store->plain, row->value.size - SEAL_EXTRA);
    return UNSEAL_OK;
}

static bool sealed_room(struct store *store, size_t size)
{
    unsigned char *grown;

    if (store->sealed_room >= size)
        return true;
    grown = realloc(store->sealed, room_for(size));
    if (grown == NULL)
        return false;
    store->sealed = grown;
    store->sealed_room = room_for(size);
    return true;
}

bool disk_seal(struct store *store, struct store_request *request, struct disk_row *row)
{
    const struct store_table *table = request->table->shared;
    const struct chance *chance = &request->table->attachment->stores->services->chance;
    struct seal_place place = place_of(table, row);
    struct paa_error error;

    if (!table->is_secret || row->gone)
        return true;
    if (!ring_ready(store, chance, &error)) {
        request_fail(request, PAA_STATUS_UNAVAILABLE, "%s: nothing can be sealed there: %s",
                     store->path, error.text);
        return false;
    }
    if (!sealed_room(store, row->value.size + SEAL_EXTRA) ||
        !seal_close(store->ring, chance, &place, row->value, store->sealed)) {
        request_fail(request, PAA_STATUS_UNAVAILABLE,
                     "%s: nothing can be sealed there: no memory or chance is left", store->path);
        return false;
    }
    row->value = paa_bytes_of(store->sealed, row->value.size + SEAL_EXTRA);
    return true;
}
