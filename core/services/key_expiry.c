/* SPDX-License-Identifier: MIT */
/*
 * Certificates end while programs run: once an hour all keys are looked at, and each is told of when it comes to its
 * last days, and when it is over. What is over is used on: the peer decides, and another one there is not.
 */
#include "key_inner.h"

#include <stdlib.h>
#include <unistd.h>

enum key_stage key_stage_of(const struct paa_key *key, const struct key_material *material,
                            struct paa_error *ret_warning)
{
    int64_t now_s = clock_now_s(&key->keys->services->clock);
    char day[KEY_DAY_SIZE];

    ret_warning->text[0] = '\0';
    if (material->count == 0 || now_s < 0)
        return KEY_GOOD;
    if (material->expires_at_s <= now_s) {
        (void)key_refuse(ret_warning, "the certificate in %s expired on %s: renew it", key->place,
                         key_day(material->expires_at_s, day));
        return KEY_ENDED;
    }
    if (material->expires_at_s - now_s <= key->warn_before_s) {
        (void)key_refuse(ret_warning, "the certificate in %s expires on %s: renew it", key->place,
                         key_day(material->expires_at_s, day));
        return KEY_ENDING;
    }
    if (material->valid_from_s > now_s) {
        (void)key_refuse(ret_warning, "the certificate in %s is not valid before %s", key->place,
                         key_day(material->valid_from_s, day));
        return KEY_EARLY;
    }
    return KEY_GOOD;
}

void key_tell(struct paa_key *key, const struct key_material *material)
{
    struct paa_error warning;
    int stage = (int)key_stage_of(key, material, &warning);

    if (atomic_exchange(&key->told, stage) != stage && warning.text[0] != '\0')
        log_queue(&key->keys->services->log, PAA_LEVEL_WARNING, "%s:%u: %s", key->where.file,
                  (unsigned)key->where.line, warning.text);
}

static int look(const void *object, void *arg)
{
    key_tell(arg, object);
    return 0;
}

static void set_timer(struct keys *keys)
{
    struct services *services = keys->services;

    (void)timer_set(services->reactor, &keys->timer,
                    clock_now_ms(&services->clock) + KEYS_CHECK_MS);
}

static void on_due(struct timer *timer)
{
    struct keys *keys = LIST_ENTRY(timer, struct keys, timer);

    pthread_mutex_lock(&keys->lock);
    for (struct list *at = keys->open.next; at != &keys->open; at = at->next) {
        struct paa_key *key = LIST_ENTRY(at, struct paa_key, link);

        (void)source_use(key->source, look, key);
    }
    pthread_mutex_unlock(&keys->lock);
    set_timer(keys);
}

struct keys *keys_new(struct services *services)
{
    struct keys *keys = calloc(1, sizeof *keys);

    if (keys == NULL)
        return NULL;
    keys->services = services;
    keys->timer.fn = on_due;
    list_init(&keys->open);
    pthread_mutex_init(&keys->lock, NULL);
    return keys;
}

void keys_free(struct keys *keys)
{
    if (keys == NULL)
        return;
    pthread_mutex_destroy(&keys->lock);
    free(keys);
}

/* A child: whoever held the lock in the parent is not here, and its timer is not set. */
static void forget_parent(struct keys *keys)
{
    pthread_mutex_init(&keys->lock, NULL);
    keys->timer.place = 0;
    keys->pid = 0;
}

void keys_start(struct keys *keys)
{
    if (keys->pid != 0 && keys->pid != getpid())
        forget_parent(keys);
    keys->pid = getpid();
    set_timer(keys);
}

void keys_stop(struct keys *keys)
{
    if (keys->pid != 0 && keys->pid != getpid())
        forget_parent(keys);
    else if (keys->pid != 0)
        timer_clear(keys->services->reactor, &keys->timer);
}
