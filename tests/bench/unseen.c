/* SPDX-License-Identifier: MIT */
#include "unseen.h"

#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FIELDS = 4, POLICY_MAX = 1024 };

static const char prefix[] = "Bearer ";

struct lot { /* one thread's tokens */
    struct unseen *unseen;
    struct work work;
    char *lines; /* of the same size, each with a NUL behind it */
    size_t room; /* for so many */
    size_t count;
    size_t at;
};

struct unseen {
    const struct token *token;
    struct host host;
    unsigned number; /* of tokens that were signed */
    size_t line_size;
    struct lot lots[BENCH_THREADS];
};

/* ---- tokens ------------------------------------------------------------------------------------ */

static void make_room(struct lot *lot, size_t count)
{
    if (count <= lot->room)
        return;
    lot->lines = realloc(lot->lines, count * lot->unseen->line_size);
    if (lot->lines == NULL)
        bench_fail("no memory");
    lot->room = count;
}

static void prepare(void *state, uint64_t count)
{
    static char text[TOKEN_TEXT_MAX];
    struct lot *lot = state;
    struct unseen *unseen = lot->unseen;
    int64_t now_s = (int64_t)time(NULL);

    make_room(lot, (size_t)count);
    for (size_t i = 0; i < count; i++) {
        char *line = lot->lines + i * unseen->line_size;
        size_t size = token_vary(unseen->token, unseen->number++, now_s, text);

        if (sizeof prefix + size != unseen->line_size)
            bench_fail("a token has another size than others");
        memcpy(line, prefix, sizeof prefix - 1);
        memcpy(line + sizeof prefix - 1, text, size + 1);
    }
    lot->count = (size_t)count;
    lot->at = 0;
}

static void run(void *state, uint64_t count)
{
    struct lot *lot = state;
    size_t size = lot->unseen->line_size;

    for (uint64_t i = 0; i < count; i++) {
        if (lot->at == lot->count)
            bench_fail("a token would be shown twice");
        lot->work.fields[FIELDS].value = paa_str_of_n(lot->lines + lot->at++ * size, size - 1);
        work_run(&lot->work, 1);
    }
}

/* ---- the host ---------------------------------------------------------------------------------- */

/* Where the key is; a secret is not in a set. */
static const char *write_key(const struct token *token)
{
    char path[WORLD_PATH], text[TOKEN_JWK_MAX + 32];

    if (token->key == NULL) {
        snprintf(text, sizeof text, "%.*s", (int)token->secret_size, (const char *)token->secret);
        world_path(path, "secret");
        world_write(path, text);
        return "secret = \"file:secret\"";
    }
    snprintf(text, sizeof text, "{\"keys\":[%s]}", token->jwk);
    world_path(path, "keys.jwks");
    world_write(path, text);
    return "jwks_file = \"keys.jwks\"";
}

static void open_host(struct unseen *unseen)
{
    char policy[POLICY_MAX];

    snprintf(policy, sizeof policy,
             "instances = { tokens = { plugin = \"oauth2-cc\"; issuer = \"" TOKEN_ISSUER
             "\"; audience = \"" TOKEN_AUDIENCE "\"; %s; }; };\n"
             "services = { api = { direction = \"incoming\"; chain = ( { required = \"tokens\" } "
             "); }; };\n",
             write_key(unseen->token));
    host_open_text(&unseen->host, policy, PAA_INCOMING);
}

struct unseen *unseen_open(const struct token *token, struct bench_case *ret_case)
{
    struct unseen *unseen = calloc(1, sizeof *unseen);

    if (unseen == NULL)
        bench_fail("no memory");
    unseen->token = token;
    unseen->line_size = sizeof prefix + token->size;
    open_host(unseen);
    *ret_case = (struct bench_case){ .name = "a token never seen before, the transaction",
                                     .run = run,
                                     .prepare = prepare };
    for (unsigned i = 0; i < BENCH_THREADS; i++) {
        struct lot *lot = &unseen->lots[i];

        lot->unseen = unseen;
        work_init(&lot->work, &unseen->host, i, FIELDS);
        lot->work.fields[FIELDS].name = paa_str_of("Authorization");
        lot->work.request.header_count = FIELDS + 1;
        ret_case->state[i] = lot;
    }
    return unseen;
}

void unseen_close(struct unseen *unseen)
{
    host_close(&unseen->host);
    for (unsigned i = 0; i < BENCH_THREADS; i++)
        free(unseen->lots[i].lines);
    free(unseen);
}
