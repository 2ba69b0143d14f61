/* SPDX-License-Identifier: MIT */
/* Workers that were forked from one that read the policy, and share a store: what one learns of an issuer, all know. */
#include "fork.h"
#include "test.h"
#include "tokens_issuer.h"

#include <sys/mman.h>

enum { ONE_KEY = 'o', OTHER_KEY = 'x' };

struct worker {
    pid_t pid;
    int asks[2];
    int says[2];
};

static struct host *host; /* in memory that all share: its clocks pass for all */
static char tokens[2][SIGNER_TOKEN_MAX];

static void serve(struct worker *worker)
{
    struct host view;
    char which, reason[64];

    host_share(host, &view);
    if (paa_lane_open(&view.lane, view.context, &view.error) != 0)
        _exit(1);
    while (read(worker->asks[0], &which, 1) == 1) {
        unsigned code = token_code(&view, "Bearer", tokens[which == OTHER_KEY], NULL, reason);

        if (write(worker->says[1], &code, sizeof code) != (ssize_t)sizeof code)
            _exit(1);
    }
    _exit(0);
}

static void worker_start(struct worker *worker)
{
    if (pipe(worker->asks) != 0 || pipe(worker->says) != 0)
        abort();
    (void)fflush(NULL);
    worker->pid = calm_fork();
    if (worker->pid == 0) {
        (void)close(worker->asks[1]);
        serve(worker);
    }
    (void)close(worker->asks[0]);
    (void)close(worker->says[1]);
}

static unsigned worker_ask(const struct worker *worker, char which)
{
    unsigned code = 0;

    if (write(worker->asks[1], &which, 1) != 1 ||
        read(worker->says[0], &code, sizeof code) != (ssize_t)sizeof code)
        return 0;
    return code;
}

static void worker_end(const struct worker *worker)
{
    int status = -1;

    (void)close(worker->asks[1]);
    (void)close(worker->says[0]);
    (void)waitpid(worker->pid, &status, 0);
    CHECK_INT(status, 0);
}

static bool open_shared(const struct issuer *issuer)
{
    struct paa_context_options options;
    pthread_mutexattr_t attributes;
    char policy[4096], full[4200];

    host = mmap(NULL, sizeof *host, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (host == MAP_FAILED || !host_init(host))
        return false;
    (void)pthread_mutexattr_init(&attributes);
    (void)pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    (void)pthread_mutex_init(&host->lock, &attributes);
    issuer_policy(issuer, "outage = \"1m\";", policy, sizeof policy);
    (void)snprintf(full, sizeof full, "stores = { state = \"state.db\"; };\n%s", policy);
    host_options(host, &options);
    return host_write(host, full) && host_open_context(host, &options);
}

TEST(a_key_that_is_withdrawn_is_withdrawn_in_every_worker_that_was_forked)
{
    struct issuer issuer;
    struct worker a, b;

    issuer_start(&issuer);
    token_of(&issuer, "ed", ALG_ED25519, tokens[0]);
    token_of(&issuer, "p256", ALG_ES256, tokens[1]);
    REQUIRE(open_shared(&issuer));
    worker_start(&a);
    worker_start(&b);
    CHECK_INT(worker_ask(&a, OTHER_KEY), 200);
    answer(&issuer, "/jwks", tokens_set("p256"), 200, 0);
    host_pass(host, 800 * 1000); /* the store has nothing of the set any more */
    CHECK_INT(worker_ask(&b, ONE_KEY), 200);
    CHECK_INT(worker_ask(&b, OTHER_KEY), 401);
    CHECK_INT(worker_ask(&a, ONE_KEY), 200);
    CHECK_INT(worker_ask(&a, OTHER_KEY), 401);
    worker_end(&b); /* it holds an end of the first one's pipe */
    worker_end(&a);
    host_close(host);
    fault_server_stop(issuer.server);
}
