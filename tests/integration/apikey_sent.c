/* SPDX-License-Identifier: MIT */
/* API keys that go out: where they are put, and what becomes of one that is exchanged. */
#include "apikeys.h"

#include <sched.h>

#define SENDS(name, options) KEYS(name, "key = \"file:out.key\"; " options)
#define GOES(name)                                                                                 \
    name " = { direction = \"outgoing\"; origins = [ \"https://out.example.com\" ]; chain = ( { "  \
         "required = \"" name "\" } ); };\n"

static const char policy[] =
    POLICY(SENDS("plain", "") SENDS("field", "header = \"X-Token\"; value_prefix = \"Token \";")
               SENDS("scheme", "scheme = \"Bearer\";") SENDS("cookie", "cookie = \"key\";")
                   SENDS("query", "query = \"key\"; allow_query = true;"),
           GOES("plain") GOES("field") GOES("scheme") GOES("cookie") GOES("query"));

static bool begin(struct host *host, const char *key)
{
    struct paa_context_options options;

    if (!host_init(host) || !host_write(host, policy) || !keys_put_file(host, "out.key", key))
        return false;
    host_options(host, &options);
    return host_open_with(host, &options);
}

static struct paa_txn *sent(struct host *host, const char *service, const char *url,
                            enum paa_state *ret_state)
{
    struct paa_service *found =
        paa_service_find(host->context, service, PAA_OUTGOING, &host->error);
    static struct ask ask;
    struct paa_txn *txn;

    ask_for(&ask, "GET", url, NULL);
    ask.request.authority = ask.request.scheme = paa_str_of(NULL);
    *ret_state = paa_txn_begin(&txn, host->lane, found, &ask.request);
    if (*ret_state == PAA_TXN_PENDING)
        *ret_state = paa_txn_wait(txn, -1);
    return txn;
}

static bool sends(struct host *host, const char *service, enum paa_edit_kind kind, const char *name,
                  const char *value)
{
    enum paa_state state;
    struct paa_txn *txn = sent(host, service, "https://out.example.com/x?a=b", &state);
    const struct paa_edit *edit = edit_of(txn, PAA_MESSAGE_REQUEST, name, 0);
    bool is_so = state == PAA_TXN_ALLOW && edit != NULL && edit->kind == kind &&
                 (edit->flags & PAA_EDIT_SECRET) != 0 && paa_str_eq(edit->value, value);

    paa_txn_end(&txn);
    return is_so;
}

TEST(a_key_goes_where_its_instance_says)
{
    enum paa_state state;
    struct paa_txn *txn;
    struct host host;

    REQUIRE(begin(&host, "the-key\n"));
    CHECK(sends(&host, "plain", PAA_EDIT_SET, "apikey", "the-key"));
    CHECK(sends(&host, "field", PAA_EDIT_SET, "X-Token", "Token the-key"));
    CHECK(sends(&host, "scheme", PAA_EDIT_SET, "Authorization", "Bearer the-key"));
    CHECK(sends(&host, "cookie", PAA_EDIT_SET, "Cookie", "key=the-key"));
    txn = sent(&host, "query", "https://out.example.com/x?a=b&k%65y=old", &state);
    CHECK_INT(state, PAA_TXN_ALLOW);
    CHECK_STR(paa_txn_target(txn), "https://out.example.com/x?a=b&key=the-key");
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(a_key_that_cannot_be_sent_is_sent_nowhere)
{
    static const char *const services[] = { "plain", "scheme", "cookie" };
    enum paa_state state;
    struct paa_txn *txn;
    struct host host;

    REQUIRE(begin(&host, "the\x01key\r\nX-Forged: yes"));
    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) {
        txn = sent(&host, services[i], "https://out.example.com/", &state);
        CHECK_INT(state, PAA_TXN_ANSWER);
        CHECK_STR(paa_txn_step(txn, 0)->reason, "unusable-key");
        CHECK(paa_txn_edit(txn, PAA_MESSAGE_REQUEST, 0) == NULL);
        paa_txn_end(&txn);
    }
    host_close(&host);
}

TEST(a_key_goes_to_the_origins_of_its_service_only)
{
    enum paa_state state;
    struct paa_txn *txn;
    struct host host;

    REQUIRE(begin(&host, "the-key"));
    txn = sent(&host, "plain", "https://out.example.com.evil.example/", &state);
    CHECK_INT(state, PAA_TXN_ANSWER);
    CHECK(paa_txn_edit(txn, PAA_MESSAGE_REQUEST, 0) == NULL);
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(a_401_is_tried_again_with_the_key_that_came_meanwhile_and_not_with_the_same)
{
    struct paa_response response;
    struct paa_ticket ticket;
    enum paa_state state;
    struct paa_txn *txn;
    struct host host;
    struct ask ask;

    REQUIRE(begin(&host, "the-old-key"));
    atomic_store(&host.is_live, true);
    txn = sent(&host, "plain", "https://out.example.com/", &state);
    paa_txn_ticket(txn, &ticket);
    paa_txn_end(&txn);
    ask_for(&ask, "GET", "https://out.example.com/", NULL);
    ask.request.authority = ask.request.scheme = paa_str_of(NULL);
    paa_init(&response, sizeof response);
    response.code = 401;
    host.out = paa_service_find(host.context, "plain", PAA_OUTGOING, NULL);
    CHECK_INT(paa_txn_retry(&txn, host.lane, host.out, &ask.request, &ticket, &response),
              PAA_TXN_OVER);
    paa_txn_end(&txn);
    REQUIRE(keys_put_file(&host, "out.key", "the-new-key"));
    while (!sends(&host, "plain", PAA_EDIT_SET, "apikey", "the-new-key"))
        (void)sched_yield(); /* a watcher sees it when it does */
    CHECK_INT(paa_txn_retry(&txn, host.lane, host.out, &ask.request, &ticket, &response),
              PAA_TXN_ALLOW);
    CHECK_STR(edit_value(txn, PAA_MESSAGE_REQUEST, "apikey"), "the-new-key");
    paa_txn_end(&txn);
    host_close(&host);
}
