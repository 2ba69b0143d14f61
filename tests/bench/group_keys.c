/* SPDX-License-Identifier: MIT */
/* API keys that come in, among many, each asked for in turn; and how a process starts that has many. */
#include "allocations.h"
#include "groups.h"
#include "peers.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MS_PER_POLL = 1, NS_PER_MS = 1000000, MIB = 1024 * 1024, KEY_FIELD = 3, KEY_FIELDS = 4 };

#define REFUSED_LEAST 0.9 /* what is measured on a machine that does other things, too */
#define REFUSED_MOST  1.1

struct asking { /* work whose key changes from request to request */
    struct work work;
    const struct keys *keys;
    size_t at;
};

static void asking_init(struct asking *asking, const struct host *host, unsigned thread,
                        const struct keys *keys)
{
    work_init(&asking->work, host, thread, KEY_FIELDS);
    asking->work.fields[KEY_FIELD].name = paa_str_of("apikey");
    asking->work.fields[KEY_FIELD].value = paa_str_of_n(keys_text(keys, 0), BENCH_KEY_SIZE);
    asking->keys = keys;
    asking->at = keys->count / BENCH_THREADS * thread;
}

static void ask(void *state, uint64_t count)
{
    struct asking *asking = state;

    for (uint64_t i = 0; i < count; i++) {
        asking->work.fields[KEY_FIELD].value.data = keys_text(asking->keys, asking->at);
        if (++asking->at == asking->keys->count)
            asking->at = 0;
        work_run(&asking->work, 1);
    }
}

static void write_policy(char ret_path[WORLD_PATH], const char *store)
{
    char text[1024];

    if (snprintf(text, sizeof text,
                 "stores = { keys = \"%s\"; };\n"
                 "instances = { clients = { plugin = \"apikey\"; }; };\n"
                 "services = { api = { direction = \"incoming\";"
                 " chain = ( { required = \"clients\" } ); }; };\n",
                 store) >= (int)sizeof text)
        bench_fail("%s is too long a path", store);
    world_path(ret_path, "keys.conf");
    world_write(ret_path, text);
}

/* ---- starting ---------------------------------------------------------------------------------- */

/* Until a request is answered that may not wait: then the store's image serves. */
static void wait_until_loaded(struct asking *asking)
{
    struct paa_request *request = &asking->work.request;
    struct timespec pause = { 0, MS_PER_POLL * NS_PER_MS };
    enum paa_state state = PAA_TXN_ANSWER;
    struct paa_txn *txn;

    request->flags |= PAA_REQUEST_NO_WAIT;
    while (state != PAA_TXN_ALLOW) {
        state = paa_txn_begin(&txn, asking->work.lane, asking->work.service, request);
        paa_txn_end(&txn);
        if (state != PAA_TXN_ALLOW)
            nanosleep(&pause, NULL);
    }
    request->flags &= ~(uint32_t)PAA_REQUEST_NO_WAIT;
}

static void start(struct host *host, struct asking asking[BENCH_THREADS], const struct keys *keys,
                  const char *policy, bool is_printed)
{
    uint64_t resident = world_resident(), from = bench_now_ns();
    uint64_t opened, answered, loaded;

    host_open(host, policy, PAA_INCOMING);
    opened = bench_now_ns();
    for (unsigned i = 0; i < BENCH_THREADS; i++)
        asking_init(&asking[i], host, i, keys);
    ask(&asking[0], 1);
    answered = bench_now_ns();
    wait_until_loaded(&asking[0]);
    loaded = bench_now_ns();
    if (is_printed)
        printf("  starting with %zu keys: context open %.1f ms, first key answered after %.1f ms, "
               "all loaded after %.0f ms; %.1f MiB more resident memory, %.0f bytes a key\n",
               keys->count, (double)(opened - from) / NS_PER_MS,
               (double)(answered - from) / NS_PER_MS, (double)(loaded - from) / NS_PER_MS,
               (double)(world_resident() - resident) / MIB,
               (double)(world_resident() - resident) / (double)keys->count);
}

/* ---- refusals ---------------------------------------------------------------------------------- */

/* Whether a key is known may not be told by the time that its refusal takes. */
static void measure_refusals(const struct bench_options *options, const struct host *host,
                             const struct keys *keys)
{
    enum { WRONG, UNKNOWN, CASES_REFUSED };
    static struct asking asking[CASES_REFUSED][BENCH_THREADS];
    struct bench_case cases[CASES_REFUSED] = { { .name = "a wrong secret of a known key" },
                                               { .name = "an unknown key" } };
    struct keys refused[CASES_REFUSED];

    for (size_t i = 0; i < CASES_REFUSED; i++) {
        keys_make_wrong(&refused[i], keys, i == WRONG);
        cases[i].run = ask;
        for (unsigned thread = 0; thread < BENCH_THREADS; thread++) {
            asking_init(&asking[i][thread], host, thread, &refused[i]);
            asking[i][thread].work.expected = PAA_TXN_ANSWER;
            cases[i].state[thread] = &asking[i][thread];
        }
    }
    bench_group(options, "API keys that are refused", cases, CASES_REFUSED);
    bench_promise_ratio(options, "an unknown key to a wrong one", &cases[UNKNOWN], &cases[WRONG],
                        REFUSED_LEAST, REFUSED_MOST);
    for (size_t i = 0; i < CASES_REFUSED; i++)
        keys_free(&refused[i]);
}

/* ---- look-ups ---------------------------------------------------------------------------------- */

enum { OURS, FLOOR_COLD, FLOOR_HERE, PEER, CASES };

void group_keys(const struct bench_options *options, size_t count, bool is_start_measured)
{
    static struct asking asking[BENCH_THREADS];
    struct bench_case cases[CASES];
    char store[WORLD_PATH], policy[WORLD_PATH], name[64];
    struct sqlite_peer *peer;
    struct floor *floors[2];
    struct keys keys;
    struct host host;

    snprintf(name, sizeof name, "one of %zu keys", count);
    world_path(store, "keys.db");
    keys_make(&keys, count);
    keys_store(&keys, store);
    write_policy(policy, store);
    start(&host, asking, &keys, policy, is_start_measured);
    floors[0] = floor_open(&keys, FLOOR_COLD_LINES);
    floors[1] = floor_open(&keys, count);
    peer = sqlite_peer_open(store, &keys);
    memset(cases, 0, sizeof cases);
    cases[OURS] =
        (struct bench_case){ .name = name, .run = ask, .state = { &asking[0], &asking[1] } };
    cases[FLOOR_COLD] = (struct bench_case){ .name = "floor: EVP SHA-256, then one cold line",
                                             .run = floor_run,
                                             .state = { floors[0] } };
    cases[FLOOR_HERE] = (struct bench_case){ .name = "the same in a table with a line a key",
                                             .run = floor_run,
                                             .state = { floors[1] } };
    cases[PEER] = (struct bench_case){ .name = "SQLite: the look-up alone, kept statement",
                                       .run = sqlite_peer_run,
                                       .state = { peer } };
    bench_group(options, "API keys", cases, CASES);
    bench_promise_ratio(options, "a key to the floor (aim 1.25)", &cases[OURS], &cases[FLOOR_COLD],
                        0, 2.5);
    allocations_promise("4 fields, an API key looked up", ask, &asking[0]);
    measure_refusals(options, &host, &keys);
    sqlite_peer_close(peer);
    floor_close(floors[0]);
    floor_close(floors[1]);
    host_close(&host);
    keys_free(&keys);
    world_remove();
}
