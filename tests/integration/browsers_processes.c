/* SPDX-License-Identifier: MIT */
/* The access token behind a session has ended, and many requests in several processes show the session's cookie at once:
 * its refresh token is redeemed once. */
#include "browsers.h"
#include "fork.h"
#include "test.h"

enum { PROCESSES = 4, THREADS = 16, LIFE_MS = 300 * 1000, TOKEN_FETCHES = 2 /* metadata, token */ };

#define STATE "stores = { state = \"state.db\"; };\n"

static const char instance[] = LOGIN("upstream_token = true; cookie_key = \"file:cookie.key\";");

static struct provider provider;
static struct browser browser;
static struct page page;

struct asker {
    struct host view;
    char field[COOKIE_VALUE_MAX + 64];
    bool is_good;
};

static void *ask(void *arg)
{
    struct asker *asker = arg;
    struct ask request;
    struct paa_txn *txn;
    enum paa_state state;

    if (paa_lane_open(&asker->view.lane, asker->view.context, NULL) != 0)
        return NULL;
    ask_for(&request, "GET", "/orders", asker->field, NULL);
    state = host_ask(&asker->view, &request, &txn);
    asker->is_good = state == PAA_TXN_ALLOW && paa_str_eq(authorization_of(txn), "Bearer at-2");
    paa_txn_end(&txn);
    paa_lane_close(&asker->view.lane);
    return NULL;
}

/* How many were not let in with the new token. */
static int in_process(void)
{
    static struct asker askers[THREADS];
    struct paa_context_options options;
    pthread_t threads[THREADS];
    int wrong = 0;

    host_options(&provider.host, &options);
    atomic_store(&provider.host.is_live, true);
    if (!host_open_context(&provider.host, &options))
        return THREADS;
    for (size_t i = 0; i < THREADS; i++) {
        host_share(&provider.host, &askers[i].view);
        (void)snprintf(askers[i].field, sizeof askers[i].field, "Cookie: %s=%s", SESSION_COOKIE,
                       jar_find(&browser, SESSION_COOKIE)->value);
        if (pthread_create(&threads[i], NULL, ask, &askers[i]) != 0)
            return THREADS;
    }
    for (size_t i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
        wrong += !askers[i].is_good;
    }
    return wrong;
}

/* Each opens the policy by itself: nothing but the store and the key's file is shared. */
static int ask_in_processes(void)
{
    pid_t children[PROCESSES];
    int status, wrong = 0;

    (void)fflush(NULL);
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = calm_fork();
        if (children[i] == 0)
            _exit(in_process());
    }
    for (int i = 0; i < PROCESSES; i++)
        if (waitpid(children[i], &status, 0) != children[i] || !WIFEXITED(status))
            wrong += THREADS;
        else
            wrong += WEXITSTATUS(status);
    return wrong;
}

TEST(four_processes_of_sixteen_threads_redeem_a_refresh_token_once)
{
    struct fault_request request;
    unsigned before;

    REQUIRE(provider_start(&provider, STATE, instance, PAGES));
    REQUIRE(login_whole(&provider, &browser, ",\"refresh_token\":\"rt-1\""));
    paa_lane_close(&provider.host.lane);
    paa_context_close(&provider.host.context);
    host_pass(&provider.host, LIFE_MS);
    provider_answer(&provider, "/token", 200,
                    "{\"access_token\":\"at-2\",\"token_type\":\"Bearer\",\"expires_in\":300,"
                    "\"refresh_token\":\"rt-2\"}");
    before = fault_server_requests(provider.server);
    CHECK_INT(ask_in_processes(), 0);
    CHECK_INT(fault_server_requests(provider.server), before + TOKEN_FETCHES);
    /* and what it was redeemed for is on disk */
    host_pass(&provider.host, LIFE_MS);
    provider_answer(&provider, "/token", 200,
                    "{\"access_token\":\"at-3\",\"token_type\":\"Bearer\",\"expires_in\":300}");
    REQUIRE(provider_reopen(&provider, STATE, instance, PAGES));
    visit(&provider.host, &browser, &page, "GET", "/orders", NULL);
    CHECK_INT(page.code, 200);
    CHECK_STR(paa_str_of(page.authorization), "Bearer at-3");
    REQUIRE(fault_server_last(provider.server, &request));
    CHECK_HAS(request.body, "refresh_token=rt-2");
    provider_stop(&provider);
}
