/* SPDX-License-Identifier: MIT */
/*
 * Access tokens whose signature was found good before, through the whole transaction: many in turn, so that each is
 * looked for where the caches of the processor do not have it. Beside it what no way around can save: a token that is
 * read, hashed and compared with what was kept of it. And liboauth2's cache with tokens by ES256, for it knows no EdDSA;
 * a token in it costs the same by either. It looks through its places one by one, so that 65,536 would take minutes
 * only to be put there: how it grows shows from 1,000 to 4,000.
 */
#include "allocations.h"
#include "groups.h"
#include "pace.h"
#include "peers.h"
#include "tokens.h"
#include "world.h"

#include "alg.h"
#include "fields.h"
#include "hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FIELDS = 4, MANY = 65536, SOME = 1000, PEER_MORE = 4000, QUICK = 64, PREFIX_SIZE = 7 };

static const char policy[] =
    "instances = { tokens = { plugin = \"oauth2-cc\"; issuer = \"" TOKEN_ISSUER "\"; audience = "
    "\"" TOKEN_AUDIENCE "\"; jwks_file = \"keys.jwks\"; remembered_mib = 512; }; };\n"
    "services = { api = { direction = \"incoming\"; chain = ( { required = \"tokens\" } ); }; };\n";

struct seen { /* one thread's */
    struct work work;
    const struct paa_str *lines;
    size_t count;
    size_t at;
};

static void run(void *state, uint64_t count)
{
    struct seen *seen = state;

    for (uint64_t i = 0; i < count; i++) {
        seen->work.fields[FIELDS].value = seen->lines[seen->at];
        seen->at = seen->at + 1 < seen->count ? seen->at + 1 : 0;
        work_run(&seen->work, 1);
    }
}

static void init(struct seen *seen, const struct host *host, unsigned thread,
                 const struct paa_str *lines, size_t count)
{
    memset(seen, 0, sizeof *seen);
    work_init(&seen->work, host, thread, FIELDS);
    seen->work.fields[FIELDS].name = paa_str_of("Authorization");
    seen->work.request.header_count = FIELDS + 1;
    seen->lines = lines;
    seen->count = count;
    seen->at = thread * count / BENCH_THREADS;
}

/* ---- the floor ---------------------------------------------------------------------------------- */

struct floor_of_seen { /* one thread's */
    const struct hash_long_key *key;
    const struct paa_str *lines;
    char **kept;
    size_t count;
    size_t at;
    uint64_t sum; /* so that nothing is left out */
};

static void run_floor(void *state, uint64_t count)
{
    struct floor_of_seen *floor = state;

    for (uint64_t i = 0; i < count; i++) {
        struct paa_str line = floor->lines[floor->at];
        const char *kept = floor->kept[floor->at];

        floor->at = floor->at + 1 < floor->count ? floor->at + 1 : 0;
        if (!is_field_value(line))
            bench_fail("a token is no field value");
        floor->sum ^= hash_long(floor->key, line.data, line.size);
        if (memcmp(line.data, kept, line.size) != 0)
            bench_fail("a token is not what was kept of it");
    }
}

static char **keep_lines(const struct paa_str *lines, size_t count)
{
    char **kept = calloc(count, sizeof *kept);

    for (size_t i = 0; i < count; i++) {
        if (kept == NULL || (kept[i] = malloc(lines[i].size)) == NULL)
            bench_fail("no memory");
        memcpy(kept[i], lines[i].data, lines[i].size);
    }
    return kept;
}

static void add_floor(struct bench_case *floor_case, const struct paa_str *lines, char **kept,
                      size_t count)
{
    static const struct hash_key base = { { 1, 2 } };
    static struct hash_long_key key;
    static struct floor_of_seen floors[BENCH_THREADS];

    hash_long_key_make(&base, &key);
    *floor_case =
        (struct bench_case){ .name = "1,000: read, hashed and compared", .run = run_floor };
    for (unsigned i = 0; i < BENCH_THREADS; i++) {
        floors[i] =
            (struct floor_of_seen){ &key, lines, kept, count, i * count / BENCH_THREADS, 0 };
        floor_case->state[i] = &floors[i];
    }
}

static void free_kept(char **kept, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(kept[i]);
    free(kept);
}

/* ---- side by side ------------------------------------------------------------------------------- */

/* Each with a NUL behind it. */
static struct paa_str *make_lines(const struct token *token, size_t count, int64_t now_s)
{
    struct paa_str *lines = calloc(count, sizeof *lines);
    char *text = malloc(TOKEN_TEXT_MAX);

    for (size_t i = 0; i < count; i++) {
        size_t size = token_vary(token, (unsigned)i, now_s, text);
        char *line = malloc(PREFIX_SIZE + size + 1);

        if (line == NULL)
            bench_fail("no memory");
        memcpy(line, "Bearer ", PREFIX_SIZE);
        memcpy(line + PREFIX_SIZE, text, size);
        line[PREFIX_SIZE + size] = '\0';
        lines[i] = paa_str_of_n(line, PREFIX_SIZE + size);
    }
    free(text);
    return lines;
}

static void free_lines(struct paa_str *lines, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free((void *)(uintptr_t)lines[i].data);
    free(lines);
}

/* ---- the peer ---------------------------------------------------------------------------------- */

struct peer { /* tokens of its own */
    struct token token;
    struct paa_str *lines;
    const char **texts;
    size_t count;
    struct liboauth2_peer *some, *more;
};

static void peer_init(struct peer *peer, const struct bench_options *options)
{
    int64_t now_s = (int64_t)time(NULL);

    peer->count = options->quick ? QUICK : PEER_MORE;
    token_make(&peer->token, ALG_ES256, "at+jwt");
    peer->lines = make_lines(&peer->token, peer->count, now_s);
    peer->texts = calloc(peer->count, sizeof *peer->texts);
    for (size_t i = 0; i < peer->count && peer->texts != NULL; i++)
        peer->texts[i] = peer->lines[i].data + PREFIX_SIZE;
    if (peer->texts == NULL)
        bench_fail("no memory");
    peer->some =
        liboauth2_seen_open(&peer->token, peer->texts, options->quick ? QUICK : SOME, now_s);
    peer->more = liboauth2_seen_open(&peer->token, peer->texts, peer->count, now_s);
    if (peer->some == NULL)
        return;
    liboauth2_peer_run(peer->some, options->quick ? QUICK : SOME); /* now all are there */
    liboauth2_peer_run(peer->more, peer->count);
}

static void peer_done(struct peer *peer)
{
    liboauth2_peer_close(peer->some);
    liboauth2_peer_close(peer->more);
    free(peer->texts);
    free_lines(peer->lines, peer->count);
    token_free(&peer->token);
}

/* ---- the group --------------------------------------------------------------------------------- */

/* Some and many tokens are remembered in hosts of their own: each has what it is asked about, and no more. */
static void open_hosts(struct host *some, struct host *many, const struct token *token)
{
    char path[WORLD_PATH], set[TOKEN_JWK_MAX + 32];

    snprintf(set, sizeof set, "{\"keys\":[%s]}", token->jwk);
    world_path(path, "keys.jwks");
    world_write(path, set);
    host_open_text(some, policy, PAA_INCOMING);
    host_open_text(many, policy, PAA_INCOMING);
}

enum { SOME_SEEN, MANY_SEEN, FLOOR, PACE, PEER_SEEN, PEER_MORE_SEEN, CASES };

void group_seen(const struct bench_options *options)
{
    static struct seen some[BENCH_THREADS], many[BENCH_THREADS];
    static struct token token;
    static struct peer peer;
    struct bench_case cases[CASES];
    size_t many_count = options->quick ? QUICK : MANY;
    size_t some_count = options->quick ? QUICK : SOME;
    struct host some_host, many_host;
    struct paa_str *lines;
    char **kept;

    token_make(&token, ALG_ED25519, "at+jwt");
    lines = make_lines(&token, many_count, (int64_t)time(NULL));
    peer_init(&peer, options);
    open_hosts(&some_host, &many_host, &token);
    memset(cases, 0, sizeof cases);
    cases[SOME_SEEN] = (struct bench_case){ .name = "seen before, 1,000 in turn", .run = run };
    cases[MANY_SEEN] = (struct bench_case){ .name = "seen before, 65,536 in turn", .run = run };
    cases[PEER_SEEN] = (struct bench_case){ .name = "liboauth2's cache, 1,000 in turn",
                                            .run = liboauth2_peer_run,
                                            .state = { peer.some } };
    cases[PEER_MORE_SEEN] = (struct bench_case){ .name = "liboauth2's cache, 4,000 in turn",
                                                 .run = liboauth2_peer_run,
                                                 .state = { peer.more } };
    for (unsigned i = 0; i < BENCH_THREADS; i++) {
        init(&some[i], &some_host, i, lines, some_count);
        init(&many[i], &many_host, i, lines, many_count);
        cases[SOME_SEEN].state[i] = &some[i];
        cases[MANY_SEEN].state[i] = &many[i];
    }
    kept = keep_lines(lines, some_count);
    pace_case(&cases[PACE]);
    add_floor(&cases[FLOOR], lines, kept, some_count);
    run(&some[0], some_count); /* now all are */
    run(&many[0], many_count);
    bench_group(options, "tokens, seen before, the whole transaction", cases,
                peer.some != NULL ? CASES : PEER_SEEN);
    pace_promise(options, &cases[SOME_SEEN], &cases[PACE], 400, 150);
    pace_promise(options, &cases[MANY_SEEN], &cases[PACE], 1500, 0);
    bench_promise_speed_up(options, &cases[SOME_SEEN], 1.9);
    if (peer.some != NULL)
        bench_promise_ratio(options, "liboauth2's cache to ours, 1,000 in turn", &cases[PEER_SEEN],
                            &cases[SOME_SEEN], 1, 0);
    else
        printf("  liboauth2 is left out: this program was built without it\n");
    allocations_promise("a token seen before", run, &some[0]);
    host_close(&some_host);
    host_close(&many_host);
    free_kept(kept, some_count);
    free_lines(lines, many_count);
    token_free(&token);
    peer_done(&peer);
}
