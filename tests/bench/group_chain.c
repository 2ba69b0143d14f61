/* SPDX-License-Identifier: MIT */
/* Whole transactions that look nothing up: four steps, few fields or many, one rule or ten thousand. */
#include "groups.h"
#include "pace.h"
#include "peers.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOUR(step) step ", " step ", " step ", " step

static const char permits[] = "services = { api = { direction = \"incoming\"; chain = ( " FOUR(
    "{ required = \"permit\" }") " ); }; };\n";

static const char loaded[] = "instances = { yes = { plugin = \"" BENCH_PERMIT "\"; }; };\n"
                             "services = { api = { direction = \"incoming\"; chain = ( " FOUR(
                                 "{ required = \"yes\" }") " ); }; };\n";

static void add_case(struct bench_case *c, const char *name, struct work work[BENCH_THREADS],
                     const struct host *host, size_t fields, uint32_t flags)
{
    memset(c, 0, sizeof *c);
    c->name = name;
    c->run = work_run;
    for (unsigned i = 0; i < BENCH_THREADS; i++) {
        work_init(&work[i], host, i, fields);
        work[i].request.flags = flags;
        c->state[i] = &work[i];
    }
}

enum { FOUR_FIELDS, NO_FIELDS, MANY_FIELDS, COPIED, LOADED, LOADED_MANY, PACE, PAM, CASES };

void group_chain(const struct bench_options *options)
{
    static struct bench_case cases[CASES];
    static struct work work[CASES][BENCH_THREADS];
    const uint32_t stable = PAA_REQUEST_STABLE;
    struct pam_peer *pam = pam_peer_open();
    struct host host, host_loaded;

    host_open_text(&host, permits, PAA_INCOMING);
    host_open_text(&host_loaded, loaded, PAA_INCOMING);
    add_case(&cases[FOUR_FIELDS], "4 fields, 4 x permit", work[0], &host, 4, stable);
    add_case(&cases[NO_FIELDS], "no fields, 4 x permit", work[1], &host, 0, stable);
    add_case(&cases[MANY_FIELDS], "12 fields, 4 x permit", work[2], &host, 12, stable);
    add_case(&cases[COPIED], "4 fields, copied, 4 x permit", work[3], &host, 4, 0);
    add_case(&cases[LOADED], "4 fields, 4 x a loaded plugin", work[4], &host_loaded, 4, stable);
    add_case(&cases[LOADED_MANY], "12 fields, copied, 4 x a loaded plugin", work[5], &host_loaded,
             12, 0);
    pace_case(&cases[PACE]);
    cases[PAM] = (struct bench_case){ .name = "Linux-PAM: start, authenticate, end, 4 x pam_permit",
                                      .run = pam_peer_run,
                                      .state = { pam, NULL } };
    bench_group(options, "transactions", cases, pam != NULL ? CASES : PAM);
    pace_promise(options, &cases[FOUR_FIELDS], &cases[PACE], 150, 60);
    bench_promise_speed_up(options, &cases[FOUR_FIELDS], 1.9);
    if (pam != NULL)
        bench_promise_ratio(options, "Linux-PAM to 4 fields, 4 x permit", &cases[PAM],
                            &cases[FOUR_FIELDS], 150, 0);
    host_close(&host);
    host_close(&host_loaded);
    pam_peer_close(pam);
}

/* ---- rules ------------------------------------------------------------------------------------- */

/* count rules; each request falls under the one in the middle. */
static void open_rules(struct host *host, unsigned count)
{
    size_t room = 256 + (size_t)count * 128, size;
    char *text = malloc(room);

    if (text == NULL)
        bench_fail("no memory");
    size = (size_t)snprintf(text, room,
                            "chains = { open = ( { required = \"permit\" } ); };\n"
                            "services = { api = { direction = \"incoming\"; rules = (\n");
    for (unsigned i = 0; i < count; i++)
        size += (size_t)snprintf(text + size, room - size,
                                 "{ path = \"/v1/part-%u/*/items/**\"; chain = \"open\"; }%s\n", i,
                                 i + 1 < count ? "," : "); }; };");
    host_open_text(host, text, PAA_INCOMING);
    free(text);
}

void group_rules(const struct bench_options *options)
{
    static struct bench_case cases[2];
    static struct work work[2][BENCH_THREADS];
    struct host few, many;

    open_rules(&few, 10);
    open_rules(&many, 10000);
    add_case(&cases[0], "the 6th of 10 rules", work[0], &few, 4, PAA_REQUEST_STABLE);
    add_case(&cases[1], "the 5,001st of 10,000 rules", work[1], &many, 4, PAA_REQUEST_STABLE);
    for (unsigned i = 0; i < BENCH_THREADS; i++) {
        work[0][i].request.target = paa_str_of("/v1/part-5/4711/items/12");
        work[1][i].request.target = paa_str_of("/v1/part-5000/4711/items/12");
    }
    bench_group(options, "rules", cases, 2);
    bench_promise_ratio(options, "10,000 rules to 10", &cases[1], &cases[0], 0, 2);
    host_close(&few);
    host_close(&many);
}
