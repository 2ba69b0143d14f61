/* SPDX-License-Identifier: MIT */
/*
 * The reactor's side of fetching: whose turn it is, deadlines, how a fetch ends and what its end means for the next
 * ones. Runs on the reactor's thread; knows no libcurl.
 */
#include "http_inner.h"

#include "http_time.h"
#include "str.h"

#include <stdlib.h>

enum { PATIENCE_MS = 3000 };

static int64_t now_ms(const struct http *http)
{
    return clock_now_ms(&http->services->clock);
}

void http_kick(struct http *http)
{
    (void)timer_set(http->services->reactor, &http->kick, INT64_MIN);
}

/* ---- ends; under the lock ------------------------------------------------------------------------ */

/* It runs no longer. */
static void uncount_running(struct http_fetch *fetch)
{
    list_remove(&fetch->link);
    fetch->http->running--;
    fetch->site->running--;
    fetch->site->party->running--;
}

static void uncount(struct http_fetch *fetch)
{
    fetch->http->fetches--;
    fetch->site->fetches--;
    fetch->site->party->fetches--;
}

static bool asks_for_time(const struct http_fetch *fetch)
{
    return fetch->answer.code == 429 || fetch->answer.code == 503;
}

/* The operation's from here on. */
static void post(struct http_fetch *fetch)
{
    struct op *op = fetch->op;

    timer_clear(fetch->http->services->reactor, &fetch->timer);
    uncount(fetch);
    fetch->state = FETCH_POSTED;
    op->wait.status = fetch->status;
    op->wait.retry_after_ms =
        fetch->status != PAA_STATUS_OK || asks_for_time(fetch) ? fetch->retry_after_ms : 0;
    op->wait.sentence = fetch->status != PAA_STATUS_OK ? fetch->sentence : NULL;
    op->wait.is_public = fetch->is_secret; /* then it names the origin only */
    op_post(op);
}

static void post_limited(struct http_fetch *fetch, int64_t left_ms)
{
    fetch->retry_after_ms = left_ms;
    (void)fetch_refuse(fetch, PAA_STATUS_LIMITED,
                       "it failed a moment ago, or asked to be left alone, and is asked again in "
                       "%lld ms",
                       (long long)left_ms);
    post(fetch);
}

/* Whoever waits for an origin that cools down is told so now. */
static void drain(struct http_site *site, int64_t at_ms)
{
    struct list *link;

    if (site->until_ms <= at_ms)
        return;
    while ((link = list_take_first(&site->waiting)) != NULL)
        post_limited(LIST_ENTRY(link, struct http_fetch, link), site->until_ms - at_ms);
}

/* Its time is over, and yet that tells nothing of the server: it had little of it, or we were away (stopped, suspended)
 * when it ended. */
static bool is_our_own(const struct http_fetch *fetch, int64_t at_ms)
{
    return fetch->deadline_ms <= at_ms &&
           (at_ms - fetch->began_ms < PATIENCE_MS || at_ms - fetch->deadline_ms > PATIENCE_MS);
}

/* What the end of a fetch that ran means for its origin. */
static void judge(struct http_fetch *fetch, int64_t at_ms)
{
    if (fetch->status == PAA_STATUS_OK)
        site_answered(fetch->site, asks_for_time(fetch) ? fetch->retry_after_ms : 0, at_ms);
    else if (fetch->status == PAA_STATUS_UNAVAILABLE && !is_our_own(fetch, at_ms))
        site_failed(fetch->site, fetch->began_ms, at_ms);
    if (fetch->status == PAA_STATUS_UNAVAILABLE && fetch->site->until_ms > at_ms)
        fetch->retry_after_ms = fetch->site->until_ms - at_ms;
    drain(fetch->site, at_ms);
}

/* ---- ends ---------------------------------------------------------------------------------------- */

/* What was cancelled at its deadline was as slow as what runs into it here. */
static void bury(struct http_fetch *fetch)
{
    struct http *http = fetch->http;

    timer_clear(http->services->reactor, &fetch->timer);
    if (fetch->transfer != NULL)
        wire_drop(fetch);
    pthread_mutex_lock(&http->lock);
    if (fetch->began_ms != INT64_MIN) {
        int64_t at_ms = now_ms(http);

        uncount_running(fetch);
        if (fetch->deadline_ms <= at_ms) {
            fetch->status = PAA_STATUS_UNAVAILABLE;
            judge(fetch, at_ms);
        }
    }
    uncount(fetch);
    pthread_mutex_unlock(&http->lock);
    fetch_free(fetch);
}

static void bury_dead(struct http *http)
{
    struct list *link;

    do {
        pthread_mutex_lock(&http->lock);
        link = list_take_first(&http->dead);
        pthread_mutex_unlock(&http->lock);
        if (link != NULL)
            bury(LIST_ENTRY(link, struct http_fetch, link));
    } while (link != NULL);
}

static void read_retry_after(struct http_fetch *fetch)
{
    struct paa_str value = answer_find(&fetch->answer, STR("Retry-After"));
    int64_t now_s = clock_now_s(&fetch->http->services->clock);

    if (fetch->status == PAA_STATUS_OK && value.data != NULL)
        fetch->retry_after_ms =
            (int64_t)retry_after_parse(value, now_s, HTTP_RETRY_AFTER_MAX_S) * 1000;
}

void fetch_end(struct http_fetch *fetch)
{
    struct http *http = fetch->http;
    int64_t at_ms = now_ms(http);

    read_retry_after(fetch);
    pthread_mutex_lock(&http->lock);
    if (fetch->op != NULL) { /* else it is in http->dead, and counted there */
        uncount_running(fetch);
        judge(fetch, at_ms);
        post(fetch);
    }
    pthread_mutex_unlock(&http->lock);
}

void on_deadline(struct timer *timer)
{
    struct http_fetch *fetch = LIST_ENTRY(timer, struct http_fetch, timer);
    struct http *http = fetch->http;
    enum fetch_state state;

    pthread_mutex_lock(&http->lock);
    state = fetch->state;
    if (state == FETCH_WAITING) {
        list_remove(&fetch->link);
        (void)fetch_refuse(fetch, PAA_STATUS_UNAVAILABLE,
                           "its turn did not come before the time was over");
        post(fetch);
    }
    pthread_mutex_unlock(&http->lock);
    if (state != FETCH_RUNNING)
        return;
    wire_drop(fetch);
    (void)fetch_refuse(fetch, PAA_STATUS_UNAVAILABLE, "no answer came in time");
    fetch_end(fetch);
    http_turn(http);
}

/* ---- turns --------------------------------------------------------------------------------------- */

static bool has_wire(struct http *http)
{
    if (http->wire == NULL)
        http->wire = wire_new(http);
    if (http->wire != NULL && !http->is_swept)
        http->is_swept =
            timer_set(http->services->reactor, &http->sweep, now_ms(http) + HTTP_IDLE_MS);
    return http->wire != NULL;
}

static struct http_fetch *next(struct http *http)
{
    struct http_fetch *fetch;

    pthread_mutex_lock(&http->lock);
    fetch = sites_next(http);
    if (fetch != NULL) {
        fetch->state = FETCH_RUNNING;
        fetch->began_ms = now_ms(http);
    }
    pthread_mutex_unlock(&http->lock);
    return fetch;
}

void http_turn(struct http *http)
{
    struct http_fetch *fetch;

    bury_dead(http);
    while ((fetch = next(http)) != NULL) {
        if (has_wire(http) && wire_start(http->wire, fetch))
            continue;
        if (http->wire == NULL)
            (void)fetch_refuse(fetch, PAA_STATUS_UNAVAILABLE, "no memory is left to fetch it");
        fetch_end(fetch);
    }
}

void on_kick(struct timer *timer)
{
    http_turn(LIST_ENTRY(timer, struct http, kick));
}

void on_sweep(struct timer *timer)
{
    struct http *http = LIST_ENTRY(timer, struct http, sweep);
    int64_t at_ms = now_ms(http);

    http->is_swept = wire_sweep(http->wire, at_ms - HTTP_IDLE_MS) &&
                     timer_set(http->services->reactor, &http->sweep, at_ms + HTTP_IDLE_MS);
}
