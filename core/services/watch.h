/* SPDX-License-Identifier: MIT */
/*
 * Tells that something about a path may have changed: a file rewritten or replaced, a symbolic link on the way
 * swapped (Kubernetes' ..data), a folder's content. By inotify on the folders concerned; where that is not to
 * be had, by comparing what stat says every few seconds. Reads no file; knows no secret and no policy.
 */
#ifndef SERVICES_WATCH_H
#define SERVICES_WATCH_H

#include "list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct services;
struct watcher;
struct watch_place;

enum {
    WATCH_RECHECK_MS = 5000, /* where inotify cannot help, and for what could not be read */
    WATCH_ENTRIES_MAX = 4096 /* of a folder that is compared by stat */
};

struct watch { /* embedded by whoever watches; zeroed at first */
    /* On the reactor's thread, under the watcher's lock: marks or sets timers, calls nothing of this file. */
    void (*fn)(struct watch *watch);
    const char *suffix; /* of names in a watched folder that matter; NULL: all do */
    /* the watcher's */
    struct list link;
    char **paths;
    size_t path_count;
    struct watch_place *places;
    size_t place_count;
    bool is_set;
    bool is_blind;   /* at least one folder is not watched */
    bool is_failing; /* fn is called at each re-check */
    uint64_t signature;
};

struct watcher *watcher_new(struct services *services);
void watcher_free(struct watcher *watcher);
/* Begins: services->reactor is there. Never fails: without inotify everything is re-checked. */
void watcher_start(struct watcher *watcher);
void watcher_stop(struct watcher *watcher);
/* In a child after fork: forgets the parent's descriptor and locks. Single-threaded. */
void watcher_forget(struct watcher *watcher);

/* The rest: any thread. Watches these paths (copied) instead of what was set before. 0 or -1: no memory. */
int watch_set(struct watcher *watcher, struct watch *watch, const char *const *paths, size_t count);
/* Follows the paths anew: links may lead elsewhere now. Before what they lead to is read. */
void watch_renew(struct watcher *watcher, struct watch *watch);
/* The last read failed (or did not): try again at each re-check. */
void watch_failing(struct watcher *watcher, struct watch *watch, bool is_failing);
/* When it returns, fn does not run and will not. Once more does no harm. */
void watch_clear(struct watcher *watcher, struct watch *watch);

#endif
