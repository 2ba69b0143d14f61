/* SPDX-License-Identifier: MIT */
/* A key or a token that goes out; and what a request of any kind allocates. */
#include "allocations.h"
#include "fault_server.h"
#include "groups.h"
#include "pace.h"
#include "world.h"

#include <stdio.h>
#include <string.h>

static const char outgoing[] =
    "instances = { mine = { plugin = \"apikey\"; scheme = \"Bearer\"; key = \"file:mine.key\"; }; "
    "};\n"
    "services = { api = { direction = \"outgoing\"; origins = [ \"https://api.example.com\" ];"
    " chain = ( { required = \"mine\" } ); }; };\n";

static void open_outgoing(struct host *host)
{
    char path[WORLD_PATH];

    world_path(path, "mine.key");
    world_write(path, "paa_4Fq0ZrT1mKx8_v9xkWm0QbYt3HcNfLs7RdPjGe2UzAoTiVnB6yC8wXq5Zr1KgD4hM");
    host_open_text(host, outgoing, PAA_OUTGOING);
}

/* ---- a token at hand ---------------------------------------------------------------------------- */

enum { TOKEN_SIZE = 900 };

struct token_world {
    struct fault_server *server;
    struct host host;
};

static void answer_token(struct fault_server *server)
{
    static char body[TOKEN_SIZE + 100];
    struct fault_answer answer = { .type = "application/json", .body = body };
    int size = snprintf(body, sizeof body,
                        "{\"token_type\":\"Bearer\",\"expires_in\":36000,"
                        "\"access_token\":\"");

    memset(body + size, 't', TOKEN_SIZE);
    strcpy(body + size + TOKEN_SIZE, "\"}");
    fault_server_answer(server, "/token", &answer);
}

/* Waits for the token, once. */
static void obtain(const struct host *host)
{
    struct work work;
    struct paa_txn *txn;
    enum paa_state state;

    work_init(&work, host, 0, 4);
    state = paa_txn_begin(&txn, work.lane, work.service, &work.request);
    if (state == PAA_TXN_PENDING)
        state = paa_txn_wait(txn, -1);
    if (state != PAA_TXN_ALLOW)
        bench_fail("no token: %s", paa_txn_answer(txn)->sentence.data);
    paa_txn_end(&txn);
}

static void open_token(struct token_world *world)
{
    char url[FAULT_URL_MAX], text[2048], path[WORLD_PATH];

    world->server = fault_server_start(FAULT_TLS_GOOD);
    answer_token(world->server);
    world_path(path, "secret");
    world_write(path, "the secret");
    (void)snprintf(text, sizeof text,
                   "instances = { mine = { plugin = \"oauth2-cc\"; token_endpoint = \"%s\"; "
                   "client_id = \"me\"; client_secret = \"file:secret\"; tls = { ca = \"%s\"; }; };"
                   " };\n"
                   "services = { api = { direction = \"outgoing\"; origins = [ "
                   "\"https://api.example.com\" ]; chain = ( { required = \"mine\" } ); }; };\n",
                   fault_server_url(world->server, "/token", url), fault_server_ca());
    host_open_text(&world->host, text, PAA_OUTGOING);
    obtain(&world->host);
}

static void close_token(struct token_world *world)
{
    host_close(&world->host);
    fault_server_stop(world->server);
}

/* ---- side by side ------------------------------------------------------------------------------- */

static void add_case(struct bench_case *bench_case, struct work *work, const char *name,
                     const struct host *host)
{
    *bench_case = (struct bench_case){ .name = name, .run = work_run };
    for (unsigned i = 0; i < BENCH_THREADS; i++) {
        work_init(&work[i], host, i, 4);
        bench_case->state[i] = &work[i];
    }
}

void group_attach(const struct bench_options *options)
{
    static const char bare[] =
        "services = { api = { direction = \"outgoing\"; origins = [ \"https://api.example.com\" "
        "]; chain = ( { required = \"permit\" } ); }; };\n";
    static struct bench_case cases[4];
    static struct work work[3][BENCH_THREADS];
    struct token_world world;
    struct host nothing, key;

    host_open_text(&nothing, bare, PAA_OUTGOING);
    open_outgoing(&key);
    open_token(&world);
    add_case(&cases[0], work[0], "4 fields, nothing attached", &nothing);
    add_case(&cases[1], work[1], "4 fields, apikey attached", &key);
    add_case(&cases[2], work[2], "4 fields, token at hand, 900 bytes", &world.host);
    pace_case(&cases[3]);
    bench_group(options, "outgoing", cases, 4);
    pace_promise(options, &cases[2], &cases[3], 200, 60);
    close_token(&world);
    host_close(&key);
    host_close(&nothing);
}

/* ---- allocations ------------------------------------------------------------------------------- */

static void count_in(const char *what, const struct host *host, uint32_t flags)
{
    struct work work;

    work_init(&work, host, 0, WORLD_FIELDS_MAX);
    work.request.flags = flags;
    allocations_promise(what, work_run, &work);
}

void group_allocations(const struct bench_options *options)
{
    static const char incoming[] =
        "instances = { yes = { plugin = \"" BENCH_PERMIT "\"; }; };\n"
        "services = { api = { direction = \"incoming\"; chain = ( { required = \"permit\" },"
        " { required = \"yes\" }, { required = \"yes\" }, { required = \"yes\" } ); }; };\n";
    struct token_world world;
    struct host host;

    (void)options;
    printf("\nallocations\n");
    host_open_text(&host, incoming, PAA_INCOMING);
    count_in("12 fields, 4 steps", &host, PAA_REQUEST_STABLE);
    count_in("12 fields, copied, 4 steps", &host, 0);
    host_close(&host);
    open_outgoing(&host);
    count_in("12 fields, apikey attached", &host, PAA_REQUEST_STABLE);
    host_close(&host);
    open_token(&world);
    count_in("12 fields, token at hand", &world.host, PAA_REQUEST_STABLE);
    close_token(&world);
}
