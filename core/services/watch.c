/* SPDX-License-Identifier: MIT */
/*
 * watch.h. A path becomes places: (folder, name) for each symbolic link on the way and for the last part. One
 * inotify descriptor watches the folders; an event concerns the watches that have a place there of that name.
 */
#include "watch.h"

#include "reactor.h"
#include "services.h"
#include "watch_signature.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PLACES_MAX = 64, /* of one path */
    LINKS_MAX = 40,
    EVENTS_SIZE = 8192
};

static const uint32_t FOLDER_EVENTS = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE |
                                      IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF |
                                      IN_ONLYDIR;

struct watch_place {
    int descriptor; /* inotify's; -1: this one is not watched */
    char *name;     /* NULL: whatever happens in the folder */
};

struct watcher {
    struct services *services;
    pthread_mutex_t lock;
    struct list watches;
    int fd; /* inotify; -1: stopped, or not to be had */
    bool is_started;
    struct timer recheck;
    bool is_armed; /* the timer is set; its own place is the reactor's */
};

/* ---- from paths to places ---------------------------------------------------------------------- */

static void place_add(struct watcher *watcher, struct watch *watch, const char *folder,
                      const char *name)
{
    struct watch_place place = { .descriptor = -1 };
    struct watch_place *grown =
        realloc(watch->places, (watch->place_count + 1) * sizeof *watch->places);

    if (grown == NULL) {
        watch->is_blind = true;
        return;
    }
    watch->places = grown;
    if (watcher->fd >= 0)
        place.descriptor =
            inotify_add_watch(watcher->fd, folder[0] != '\0' ? folder : "/", FOLDER_EVENTS);
    if (name != NULL)
        place.name = strdup(name); /* without memory: every name, which is only more */
    if (place.descriptor < 0)
        watch->is_blind = true;
    watch->places[watch->place_count++] = place;
}

/* Cuts the first part off rest. */
static bool next_part(char *rest, char *ret_part)
{
    const char *begin = rest + strspn(rest, "/");
    size_t size = strcspn(begin, "/");

    memcpy(ret_part, begin, size);
    ret_part[size] = '\0';
    memmove(rest, begin + size, strlen(begin + size) + 1);
    return size > 0;
}

/* Replaces what `at` (a link) stands for in front of rest; false: too long or unreadable. */
static bool follow_link(const char *at, char *folder, char *rest)
{
    char target[PATH_MAX];
    char whole[PATH_MAX];
    ssize_t size = readlink(at, target, sizeof target - 1);
    int written;

    if (size < 0)
        return false;
    target[size] = '\0';
    written = snprintf(whole, sizeof whole, "%s%s", target, rest);
    if (written < 0 || written >= (int)sizeof whole)
        return false;
    memcpy(rest, whole, strlen(whole) + 1);
    if (target[0] == '/')
        folder[0] = '\0';
    return true;
}

/* True: go on with `folder` and `rest`; false: this path is done. */
static bool place_part(struct watcher *watcher, struct watch *watch, char *folder, const char *part,
                       char *rest)
{
    char at[PATH_MAX];
    struct stat st;
    int written = snprintf(at, sizeof at, "%s/%s", folder, part);

    if (written < 0 || written >= (int)sizeof at) {
        watch->is_blind = true;
        return false;
    }
    if (strcmp(part, ".") == 0)
        return true;
    if (strcmp(part, "..") == 0) {
        char *slash = strrchr(folder, '/');

        if (slash != NULL)
            *slash = '\0';
        return true;
    }
    if (lstat(at, &st) != 0) {
        place_add(watcher, watch, folder, part); /* it may come */
        return false;
    }
    if (S_ISLNK(st.st_mode)) {
        place_add(watcher, watch, folder, part);
        return follow_link(at, folder, rest);
    }
    if (rest[strspn(rest, "/")] == '\0') {
        place_add(watcher, watch, folder, part);
        if (S_ISDIR(st.st_mode))
            place_add(watcher, watch, at, NULL);
        return false;
    }
    memcpy(folder, at, strlen(at) + 1);
    return true;
}

static void place_path(struct watcher *watcher, struct watch *watch, const char *path)
{
    char folder[PATH_MAX] = "";
    char rest[PATH_MAX];
    char part[PATH_MAX];
    char here[PATH_MAX] = "";
    int written;

    if (path[0] != '/' && getcwd(here, sizeof here) == NULL)
        here[0] = '\0';
    written = snprintf(rest, sizeof rest, "%s/%s", here, path);
    if (written < 0 || written >= (int)sizeof rest) {
        watch->is_blind = true;
        return;
    }
    for (int steps = 0; next_part(rest, part); steps++) {
        if (watch->place_count > PLACES_MAX * watch->path_count || steps > LINKS_MAX * PLACES_MAX) {
            watch->is_blind = true; /* links in a circle */
            return;
        }
        if (!place_part(watcher, watch, folder, part, rest))
            return;
    }
}

/* ---- without inotify --------------------------------------------------------------------------- */

static void arm_recheck(struct watcher *watcher)
{
    if (watcher->is_started && !watcher->is_armed)
        watcher->is_armed = timer_set(watcher->services->reactor, &watcher->recheck,
                                      clock_now_ms(&watcher->services->clock) + WATCH_RECHECK_MS);
}

static void on_recheck(struct timer *timer)
{
    struct watcher *watcher = LIST_ENTRY(timer, struct watcher, recheck);
    bool is_needed = false;

    pthread_mutex_lock(&watcher->lock);
    watcher->is_armed = false;
    for (struct list *at = watcher->watches.next; at != &watcher->watches; at = at->next) {
        struct watch *watch = LIST_ENTRY(at, struct watch, link);
        uint64_t signature = watch->is_blind ? watch_signature(watch) : watch->signature;

        is_needed = is_needed || watch->is_blind || watch->is_failing;
        if (watch->is_failing || signature != watch->signature)
            watch->fn(watch);
        watch->signature = signature;
    }
    if (is_needed)
        arm_recheck(watcher);
    pthread_mutex_unlock(&watcher->lock);
}

/* ---- events ------------------------------------------------------------------------------------ */

static bool concerns(const struct watch *watch, const struct inotify_event *event)
{
    if ((event->mask & IN_Q_OVERFLOW) != 0)
        return true;
    for (size_t i = 0; i < watch->place_count; i++) {
        const struct watch_place *place = &watch->places[i];

        if (place->descriptor != event->wd)
            continue;
        if (event->len == 0 || (place->name == NULL ? watch_matters(watch, event->name)
                                                    : strcmp(event->name, place->name) == 0))
            return true;
    }
    return false;
}

static void on_event(struct watcher *watcher, const struct inotify_event *event)
{
    for (struct list *at = watcher->watches.next; at != &watcher->watches; at = at->next) {
        struct watch *watch = LIST_ENTRY(at, struct watch, link);

        if (concerns(watch, event))
            watch->fn(watch);
    }
}

static void on_readable(uint32_t events, void *arg)
{
    struct watcher *watcher = arg;
    _Alignas(struct inotify_event) char buffer[EVENTS_SIZE];
    ssize_t size;

    (void)events;
    pthread_mutex_lock(&watcher->lock);
    while (watcher->fd >= 0 && (size = read(watcher->fd, buffer, sizeof buffer)) > 0) {
        for (char *at = buffer; at < buffer + size;) {
            const struct inotify_event *event = (const void *)at;

            on_event(watcher, event);
            at += sizeof *event + event->len;
        }
    }
    pthread_mutex_unlock(&watcher->lock);
}

/* ---- watches ----------------------------------------------------------------------------------- */

static bool is_wanted(const struct watcher *watcher, int descriptor)
{
    for (struct list *at = watcher->watches.next; at != &watcher->watches; at = at->next) {
        const struct watch *watch = LIST_ENTRY(at, struct watch, link);

        for (size_t i = 0; i < watch->place_count; i++)
            if (watch->places[i].descriptor == descriptor)
                return true;
    }
    return false;
}

/* Places that are no one's any more. Those of `watch` are new already, or gone. */
static void drop_places(struct watcher *watcher, struct watch_place *places, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (watcher->fd >= 0 && places[i].descriptor >= 0 &&
            !is_wanted(watcher, places[i].descriptor))
            (void)inotify_rm_watch(watcher->fd, places[i].descriptor);
        free(places[i].name);
    }
    free(places);
}

/* New places are there before old ones go, so that no change falls in between. */
static void resolve(struct watcher *watcher, struct watch *watch)
{
    struct watch_place *old = watch->places;
    size_t old_count = watch->place_count;

    watch->places = NULL;
    watch->place_count = 0;
    watch->is_blind = watcher->fd < 0;
    if (watcher->is_started) {
        for (size_t i = 0; i < watch->path_count; i++)
            place_path(watcher, watch, watch->paths[i]);
        if (watch->is_blind)
            watch->signature = watch_signature(watch);
        if (watch->is_blind || watch->is_failing)
            arm_recheck(watcher);
    }
    drop_places(watcher, old, old_count);
}

static void free_paths(char **paths, size_t count)
{
    for (size_t i = 0; paths != NULL && i < count; i++)
        free(paths[i]);
    free(paths);
}

static char **copy_paths(const char *const *paths, size_t count)
{
    char **copy = calloc(count + 1, sizeof *copy);

    for (size_t i = 0; copy != NULL && i < count; i++) {
        copy[i] = strdup(paths[i]);
        if (copy[i] == NULL) {
            free_paths(copy, i);
            return NULL;
        }
    }
    return copy;
}

int watch_set(struct watcher *watcher, struct watch *watch, const char *const *paths, size_t count)
{
    char **copy = copy_paths(paths, count);

    if (copy == NULL)
        return -1;
    pthread_mutex_lock(&watcher->lock);
    free_paths(watch->paths, watch->path_count);
    watch->paths = copy;
    watch->path_count = count;
    if (!watch->is_set)
        list_add_last(&watcher->watches, &watch->link);
    watch->is_set = true;
    resolve(watcher, watch);
    pthread_mutex_unlock(&watcher->lock);
    return 0;
}

void watch_renew(struct watcher *watcher, struct watch *watch)
{
    pthread_mutex_lock(&watcher->lock);
    if (watch->is_set)
        resolve(watcher, watch);
    pthread_mutex_unlock(&watcher->lock);
}

void watch_failing(struct watcher *watcher, struct watch *watch, bool is_failing)
{
    pthread_mutex_lock(&watcher->lock);
    watch->is_failing = is_failing;
    if (is_failing && watch->is_set)
        arm_recheck(watcher);
    pthread_mutex_unlock(&watcher->lock);
}

void watch_clear(struct watcher *watcher, struct watch *watch)
{
    struct watch_place *places;
    size_t count;

    pthread_mutex_lock(&watcher->lock);
    if (watch->is_set) {
        list_remove(&watch->link);
        places = watch->places;
        count = watch->place_count;
        watch->places = NULL;
        watch->place_count = 0;
        drop_places(watcher, places, count);
        free_paths(watch->paths, watch->path_count);
        watch->paths = NULL;
        watch->path_count = 0;
        watch->is_set = false;
    }
    pthread_mutex_unlock(&watcher->lock);
}

/* ---- the watcher ------------------------------------------------------------------------------- */

struct watcher *watcher_new(struct services *services)
{
    struct watcher *watcher = calloc(1, sizeof *watcher);

    if (watcher == NULL)
        return NULL;
    watcher->services = services;
    watcher->fd = -1;
    watcher->recheck.fn = on_recheck;
    pthread_mutex_init(&watcher->lock, NULL);
    list_init(&watcher->watches);
    return watcher;
}

void watcher_free(struct watcher *watcher)
{
    if (watcher == NULL)
        return;
    pthread_mutex_destroy(&watcher->lock);
    free(watcher);
}

static void resolve_all(struct watcher *watcher)
{
    for (struct list *at = watcher->watches.next; at != &watcher->watches; at = at->next)
        resolve(watcher, LIST_ENTRY(at, struct watch, link));
}

void watcher_start(struct watcher *watcher)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

    if (fd >= 0 &&
        reactor_watch(watcher->services->reactor, fd, EPOLLIN, on_readable, watcher) != 0) {
        close(fd);
        fd = -1;
    }
    pthread_mutex_lock(&watcher->lock);
    watcher->fd = fd;
    watcher->is_started = true;
    resolve_all(watcher);
    pthread_mutex_unlock(&watcher->lock);
}

void watcher_stop(struct watcher *watcher)
{
    int fd;

    pthread_mutex_lock(&watcher->lock);
    fd = watcher->fd;
    watcher->fd = -1;
    if (!watcher->is_started) {
        pthread_mutex_unlock(&watcher->lock);
        return;
    }
    watcher->is_started = false;
    resolve_all(watcher);
    pthread_mutex_unlock(&watcher->lock);
    timer_clear(watcher->services->reactor, &watcher->recheck);
    watcher->is_armed = false;
    if (fd >= 0) {
        reactor_unwatch(watcher->services->reactor, fd);
        close(fd);
    }
}

void watcher_forget(struct watcher *watcher)
{
    int fd = watcher->fd;

    pthread_mutex_init(&watcher->lock, NULL);
    watcher->fd = -1;
    watcher->is_started = false;
    watcher->is_armed = false;
    watcher->recheck.place = 0;
    resolve_all(watcher);
    if (fd >= 0)
        close(fd); /* this process's; removing watches through it would take the parent's away */
}
