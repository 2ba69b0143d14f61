/* SPDX-License-Identifier: MIT */
/* What both fork tests do on either side of a fork: open a context inert, serve on a lane of one's own, close. */
#ifndef TESTS_FORKING_H
#define TESTS_FORKING_H

#include "host.h"

static const char forking_policy[] = "stores = { keys = \"keys.db\"; };\n" POLICY(
    SCRIPT("w", "verify = \"script:X-W\"; table = \"state\"; store = \"keys\";"),
    API("chain = ( { required = \"w\" } );"));

#define WAITS "X-W: after:1 work:1 store_put:a=b store_get:a need:ok accept"

static inline bool open_before_fork(struct host *host)
{
    struct paa_context_options options;

    if (!host_init(host) || !host_write(host, forking_policy))
        return false;
    atomic_store(&host->is_live, true);
    host_options(host, &options);
    return host_open_context(host, &options);
}

/* How many checks failed. */
static inline int serve_and_close(struct host *host)
{
    int failures = paa_lane_open(&host->lane, host->context, NULL) != 0;

    failures += code_of(host, "GET", "/x", WAITS, NULL) != 200;
    failures += code_of(host, "GET", "/x", "X-W: reject", NULL) != 403;
    failures += paa_context_reload(host->context, 60000, NULL) != 1;
    failures += code_of(host, "GET", "/x", WAITS, NULL) != 200;
    paa_lane_close(&host->lane);
    paa_context_close(&host->context);
    return failures;
}

#endif
