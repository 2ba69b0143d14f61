/* SPDX-License-Identifier: MIT */
/*
 * Who may fetch how much, and when again. Each instance has its share, each origin of an instance its cool-down, and
 * turns go round: one dead issuer costs nobody else anything. Called under the lock; knows no network.
 */
#include "http_inner.h"

#include "str.h"
#include "units.h"

#include <stdlib.h>

static struct http_party *party_find(const struct http *http, const char *instance)
{
    for (struct list *at = http->parties.next; at != &http->parties; at = at->next) {
        struct http_party *party = LIST_ENTRY(at, struct http_party, link);

        if (strcmp(party->name, instance) == 0)
            return party;
    }
    return NULL;
}

static struct http_party *party_get(struct http *http, const char *instance)
{
    struct http_party *party = party_find(http, instance);
    size_t size = strlen(instance) + 1;

    if (party != NULL || (party = calloc(1, sizeof *party + size)) == NULL)
        return party;
    memcpy(party->name, instance, size);
    list_add_last(&http->parties, &party->link);
    return party;
}

static void party_tidy(struct http_party *party)
{
    if (party->site_count > 0 || party->fetches > 0)
        return;
    list_remove(&party->link);
    free(party);
}

static void site_remove(struct http *http, struct http_site *site)
{
    struct http_party *party = site->party;

    list_remove(&site->link);
    http->site_count--;
    party->site_count--;
    free(site);
    party_tidy(party);
}

/* Does nobody lose anything if it is forgotten? Its failures count for one more turn of the longest cool-down. */
static bool is_idle(const struct http_site *site, int64_t now_ms)
{
    int64_t until_ms =
        site->failures > 0 ? time_add(site->until_ms, HTTP_COOLDOWN_MAX_MS) : site->until_ms;

    return site->fetches == 0 && until_ms <= now_ms;
}

static void sites_tidy(struct http *http, int64_t now_ms)
{
    for (struct list *at = http->sites.next, *next; at != &http->sites; at = next) {
        struct http_site *site = LIST_ENTRY(at, struct http_site, link);

        next = at->next;
        if (is_idle(site, now_ms))
            site_remove(http, site);
    }
}

static struct http_site *site_find(const struct http *http, const struct http_party *party,
                                   struct paa_str origin)
{
    for (struct list *at = http->sites.next; at != &http->sites; at = at->next) {
        struct http_site *site = LIST_ENTRY(at, struct http_site, link);

        if (site->party == party && str_eq(paa_str_of_n(site->origin, site->origin_size), origin))
            return site;
    }
    return NULL;
}

static bool is_full(const struct http *http, const struct http_party *party)
{
    return http->site_count >= HTTP_ORIGINS_MAX ||
           (party != NULL && party->site_count >= HTTP_INSTANCE_ORIGINS_MAX);
}

static struct http_site *site_add(struct http *http, const char *instance, struct paa_str origin)
{
    struct http_party *party = party_get(http, instance);
    struct http_site *site = party != NULL ? calloc(1, sizeof *site + origin.size) : NULL;

    if (site == NULL) {
        if (party != NULL)
            party_tidy(party);
        return NULL;
    }
    list_init(&site->waiting);
    site->party = party;
    site->until_ms = INT64_MIN;
    site->origin_size = origin.size;
    memcpy(site->origin, origin.data, origin.size);
    list_add_last(&http->sites, &site->link);
    http->site_count++;
    party->site_count++;
    return site;
}

struct http_site *site_get(struct http *http, const char *instance, struct paa_str origin)
{
    struct http_party *party = party_find(http, instance);
    struct http_site *site = party != NULL ? site_find(http, party, origin) : NULL;

    if (site != NULL)
        return site;
    if (is_full(http, party)) {
        sites_tidy(http, clock_now_ms(&http->services->clock));
        party = party_find(http, instance);
    }
    return is_full(http, party) ? NULL : site_add(http, instance, origin);
}

/* What was under way already when the last failure was seen tells nothing new. */
void site_failed(struct http_site *site, int64_t began_ms, int64_t now_ms)
{
    int64_t wait_ms = HTTP_COOLDOWN_MIN_MS;

    if (site->failures > 0 && began_ms < site->until_ms)
        return;
    for (unsigned i = 0; i < site->failures && wait_ms < HTTP_COOLDOWN_MAX_MS; i++)
        wait_ms *= 2;
    site->failures++;
    site->until_ms =
        time_add(now_ms, wait_ms < HTTP_COOLDOWN_MAX_MS ? wait_ms : HTTP_COOLDOWN_MAX_MS);
}

void site_answered(struct http_site *site, int64_t retry_after_ms, int64_t now_ms)
{
    site->failures = 0;
    if (retry_after_ms > 0 && time_add(now_ms, retry_after_ms) > site->until_ms)
        site->until_ms = time_add(now_ms, retry_after_ms);
}

static bool may_run(const struct http_site *site)
{
    return !list_empty(&site->waiting) && site->running < HTTP_ORIGIN_RUNNING_MAX &&
           site->party->running < HTTP_INSTANCE_RUNNING_MAX;
}

struct http_fetch *sites_next(struct http *http)
{
    if (http->running >= HTTP_RUNNING_MAX)
        return NULL;
    for (struct list *at = http->sites.next; at != &http->sites; at = at->next) {
        struct http_site *site = LIST_ENTRY(at, struct http_site, link);
        struct list *first;

        if (!may_run(site))
            continue;
        list_remove(&site->link); /* the others' turns come first */
        list_add_last(&http->sites, &site->link);
        http->running++;
        site->party->running++;
        site->running++;
        first = list_take_first(&site->waiting);
        list_add_last(&http->active, first);
        return LIST_ENTRY(first, struct http_fetch, link);
    }
    return NULL;
}

void sites_free(struct http *http)
{
    struct list *link;

    while ((link = list_take_first(&http->sites)) != NULL)
        free(LIST_ENTRY(link, struct http_site, link));
    while ((link = list_take_first(&http->parties)) != NULL)
        free(LIST_ENTRY(link, struct http_party, link));
    http->site_count = 0;
}
