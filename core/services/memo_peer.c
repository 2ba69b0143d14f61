/* SPDX-License-Identifier: MIT */
/*
 * Objects of connections: one per PEER memo and connection, in place of keys. A connection has a handful of places;
 * readers walk them without a lock, and places are freed with the connection only. Knows no key, no run.
 */
#include "memo_inner.h"

#include <stdlib.h>
#include <unistd.h>

struct peer_object {  /* a place; memos->lock but for the two words */
    struct list link; /* memo->peers */
    struct peer_object *next;
    _Atomic(const struct paa_memo *) memo; /* NULL: its instance has ended, the place is free */
    _Atomic(void *) value;                 /* struct memo_value */
};

struct memo_peer {
    struct memos *memos;
    _Atomic(struct peer_object *) first; /* places are added in front, never taken out */
    pid_t pid;                           /* of the process that made them; 0: none yet */
};

struct memo_peer *memo_peer_new(struct memos *memos)
{
    struct memo_peer *peer = calloc(1, sizeof *peer);

    if (peer != NULL)
        peer->memos = memos;
    return peer;
}

/* No place may be read any more; what a parent process made is left as it is. */
void memo_peer_free(struct memo_peer *peer)
{
    struct memo_bin bin = { NULL };
    struct peer_object *place, *next;

    if (peer == NULL)
        return;
    place = atomic_load_explicit(&peer->first, memory_order_acquire);
    if (place == NULL || (peer->pid != 0 && peer->pid != getpid())) {
        free(peer);
        return;
    }
    pthread_mutex_lock(&peer->memos->lock);
    for (struct peer_object *at = place; at != NULL; at = at->next) {
        list_remove(&at->link);
        memo_bin_add(&bin, atomic_exchange(&at->value, NULL));
    }
    pthread_mutex_unlock(&peer->memos->lock);
    memo_bin_empty(peer->memos, &bin);
    for (; place != NULL; place = next) {
        next = place->next;
        free(place);
    }
    free(peer);
}

struct memo_value *memo_peer_look(struct op *op, const struct paa_memo *memo)
{
    struct memo_peer *peer = op->peer;
    struct peer_object *place;

    if (peer == NULL)
        return NULL;
    place = atomic_load_explicit(&peer->first, memory_order_acquire);
    if (place == NULL || peer->pid != peer->memos->pid)
        return NULL;
    for (; place != NULL; place = place->next)
        if (atomic_load_explicit(&place->memo, memory_order_acquire) == memo)
            return pins_get(op->pins, &place->value);
    return NULL;
}

/* ---- under memos->lock ---------------------------------------------------------------------------- */

/* The memo's place, else a free one, else a new one; not linked unless it is the memo's. */
static struct peer_object *place_for(struct memo_peer *peer, const struct paa_memo *memo)
{
    struct peer_object *unused = NULL, *place;

    if (peer->pid != peer->memos->pid) { /* a connection that came along through a fork */
        atomic_store(&peer->first, NULL);
        peer->pid = peer->memos->pid;
    }
    for (place = atomic_load(&peer->first); place != NULL; place = place->next) {
        const struct paa_memo *owner = atomic_load(&place->memo);

        if (owner == memo)
            return place;
        if (owner == NULL)
            unused = place;
    }
    if (unused != NULL || (place = calloc(1, sizeof *place)) == NULL)
        return unused;
    list_init(&place->link);
    place->next = atomic_load(&peer->first);
    atomic_store_explicit(&peer->first, place, memory_order_release);
    return place;
}

/* Pinned first, while the value is the caller's alone: what readers may have seen is never taken back. */
static bool put(struct op *op, struct paa_memo *memo, struct memo_value *value,
                struct memo_bin *bin)
{
    struct peer_object *place = place_for(op->peer, memo);
    _Atomic(void *) mine = value;

    if (place == NULL || pins_get(op->pins, &mine) == NULL)
        return false;
    memo_bin_add(bin, atomic_exchange(&place->value, value));
    if (atomic_load(&place->memo) == NULL) {
        list_add_last(&memo->peers, &place->link);
        atomic_store_explicit(&place->memo, memo, memory_order_release);
    }
    return true;
}

bool memo_peer_keep(struct op *op, struct paa_memo *memo, struct memo_value *value,
                    struct memo_bin *bin)
{
    bool is_kept;

    if (op->peer == NULL)
        return false;
    pthread_mutex_lock(&op->peer->memos->lock);
    is_kept = put(op, memo, value, bin);
    pthread_mutex_unlock(&op->peer->memos->lock);
    return is_kept;
}

void memo_peer_leave(struct paa_memo *memo, struct memo_bin *bin)
{
    struct memos *memos = memo->group->memos;
    struct list *link;

    pthread_mutex_lock(&memos->lock);
    while ((link = list_take_first(&memo->peers)) != NULL) {
        struct peer_object *place = LIST_ENTRY(link, struct peer_object, link);

        memo_bin_add(bin, atomic_exchange(&place->value, NULL));
        atomic_store(&place->memo, NULL);
    }
    pthread_mutex_unlock(&memos->lock);
}
