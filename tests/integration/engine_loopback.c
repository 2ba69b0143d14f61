/* SPDX-License-Identifier: MIT */
/* Logins that come back to a loopback listener in a transaction: what counts as one, what is turned away, what a browser
 * sees. */
#include "host.h"
#include "test.h"

#include "host_browser.h"

enum { CONNECTIONS_MAX = 8, LISTENERS_MAX = 32, STRANGERS_MAX = 16 }; /* loopback.h */

static void with_port(const char *text, unsigned port, char *ret_text, size_t size)
{
    const char *at = strchr(text, '@');

    if (at == NULL)
        (void)snprintf(ret_text, size, "%s", text);
    else
        (void)snprintf(ret_text, size, "%.*s%u%s", (int)(at - text), text, port, at + 1);
}

TEST(a_login_comes_back_and_its_browser_sees_a_page)
{
    char response[RESPONSE_MAX];
    struct paa_txn *txn;
    struct host host;
    unsigned port;
    int fd;

    REQUIRE(host_open(&host, policy));
    txn = begin(&host, LOGIN, &port);
    fd = ask(port, "/callback?code=a%26b&state=s&code=second");
    CHECK_INT(paa_txn_wait(txn, -1), PAA_TXN_ALLOW);
    CHECK_STR(noted(txn, "code", 1), "a&b");
    CHECK_STR(noted(txn, "code", 0), "second");
    CHECK_STR(noted(txn, "state", 0), "s");
    hear(fd, response);
    CHECK_INT(status_of(response), 200);
    CHECK_HAS(response, "<p>You are &#60;alice&#62;.</p>");
    CHECK_HAS(response, "Cache-Control: no-store\r\n");
    await_closed(port);
    paa_txn_end(&txn);
    host_close(&host);
    CHECK_INT(host_broken_promises(), 0);
}

TEST(what_is_no_login_is_turned_away_and_the_listener_listens_on)
{
    static const struct {
        const char *text; /* "@" is the port */
        unsigned status;
    } cases[] = {
        { "GET /favicon.ico HTTP/1.1\r\nHost: 127.0.0.1:@\r\n\r\n", 404 },
        { "POST /callback HTTP/1.1\r\nHost: 127.0.0.1:@\r\n\r\n", 405 },
        { "GET /callback HTTP/1.1\r\nHost: localhost:@\r\n\r\n", 421 },
        { "GET /callback HTTP/1.1\r\nHost: evil.example.com\r\n\r\n", 421 },
        { "GET /callback HTTP/1.1\r\nHost: 127.0.0.1:@\r\nSec-Fetch-Mode: no-cors\r\n\r\n", 403 },
        { "GET /callback HTTP/1.1\nHost: 127.0.0.1:@\n\n", 400 },
        { "\x16\x03\x01\r\n\r\n", 400 },
    };
    static char huge[9000];
    char text[256], response[RESPONSE_MAX];
    struct paa_txn *txn;
    struct host host;
    unsigned port;
    int fd;

    REQUIRE(host_open(&host, policy));
    txn = begin(&host, LOGIN, &port);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        with_port(cases[i].text, port, text, sizeof text);
        fd = connect_to(port);
        REQUIRE(fd >= 0);
        say(fd, text);
        hear(fd, response);
        if (status_of(response) != cases[i].status)
            TEST_FAIL("%s is answered %s", text, response);
    }
    memset(huge, 'a', sizeof huge - 1);
    fd = connect_to(port);
    REQUIRE(fd >= 0);
    (void)send(fd, huge, sizeof huge - 1, MSG_NOSIGNAL);
    hear(fd, response);
    CHECK_INT(status_of(response), 431);
    CHECK_INT(paa_txn_advance(txn), PAA_TXN_PENDING);
    fd = ask(port, "/callback?code=1");
    CHECK_INT(paa_txn_wait(txn, -1), PAA_TXN_ALLOW);
    hear(fd, response);
    CHECK_INT(status_of(response), 200);
    paa_txn_end(&txn);
    host_close(&host);
}

/* RFC 8252 8.9: any page of any site can send a browser there. */
TEST(a_page_that_does_not_know_the_state_ends_no_login)
{
    static const char *const strangers[] = {
        "/callback",
        "/callback?code=1",
        "/callback?code=1&state=",
        "/callback?code=1&state=the-stat",
        "/callback?code=1&state=the-state2",
        "/callback?code=1&state=THE-STATE",
        "/callback?error=access_denied&state=other",
    };
    char response[RESPONSE_MAX];
    struct paa_txn *txn;
    struct host host;
    unsigned port;
    int fd;

    REQUIRE(host_open(&host, policy));
    txn = begin(&host, LOGIN_STATE, &port);
    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
        hear(ask(port, strangers[i]), response);
        CHECK_INT(status_of(response), 400);
        CHECK_HAS(response, "<h1>Not this login</h1>");
    }
    CHECK_INT(paa_txn_advance(txn), PAA_TXN_PENDING);
    fd = ask(port, "/callback?code=2&state=the-state");
    CHECK_INT(paa_txn_wait(txn, -1), PAA_TXN_ALLOW);
    CHECK_STR(noted(txn, "code", 0), "2");
    hear(fd, response);
    CHECK_INT(status_of(response), 200);
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(after_so_many_strangers_the_next_one_is_told_to_the_step)
{
    char response[RESPONSE_MAX];
    struct paa_txn *txn;
    struct host host;
    unsigned port;
    int fd;

    REQUIRE(host_open(&host, policy));
    txn = begin(&host, LOGIN_STATE, &port);
    for (int i = 0; i < STRANGERS_MAX; i++) {
        hear(ask(port, "/callback?state=other"), response);
        CHECK_INT(status_of(response), 400);
    }
    fd = ask(port, "/callback?state=another");
    CHECK_INT(paa_txn_wait(txn, -1), PAA_TXN_ALLOW);
    CHECK_STR(noted(txn, "state", 0), "another");
    hear(fd, response);
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(a_request_may_come_in_single_bytes)
{
    char text[128], response[RESPONSE_MAX];
    struct paa_txn *txn;
    struct host host;
    unsigned port;
    int fd;

    REQUIRE(host_open(&host, policy));
    txn = begin(&host, LOGIN, &port);
    fd = connect_to(port);
    REQUIRE(fd >= 0);
    (void)snprintf(text, sizeof text, "GET /callback?a=b HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n",
                   port);
    for (size_t i = 0; text[i] != '\0'; i++)
        CHECK(send(fd, text + i, 1, MSG_NOSIGNAL) == 1);
    CHECK_INT(paa_txn_wait(txn, -1), PAA_TXN_ALLOW);
    hear(fd, response);
    CHECK_INT(status_of(response), 200);
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(one_connection_more_than_are_held_ends_the_oldest_and_is_served)
{
    int idle[CONNECTIONS_MAX], fd;
    char response[RESPONSE_MAX];
    struct paa_txn *txn;
    struct host host;
    unsigned port;

    REQUIRE(host_open(&host, policy));
    txn = begin(&host, LOGIN, &port);
    for (int i = 0; i < CONNECTIONS_MAX; i++)
        idle[i] = connect_to(port);
    fd = ask(port, "/favicon.ico");
    hear(fd, response);
    CHECK_INT(status_of(response), 404);
    hear(idle[0], response); /* closed without a word */
    CHECK_INT(strlen(response), 0);
    fd = ask(port, "/callback");
    CHECK_INT(paa_txn_wait(txn, -1), PAA_TXN_ALLOW);
    hear(fd, response);
    CHECK_INT(status_of(response), 200);
    for (int i = 1; i < CONNECTIONS_MAX; i++) {
        hear(idle[i], response);
        CHECK_INT(strlen(response), 0);
    }
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(a_connection_that_says_nothing_is_closed_after_a_while)
{
    char response[RESPONSE_MAX];
    struct paa_txn *txn;
    struct host host;
    unsigned port;
    int silent;

    REQUIRE(host_open(&host, policy));
    txn = begin(&host, LOGIN, &port);
    silent = connect_to(port);
    hear(ask(port, "/first"), response); /* so that the silent one is known by now */
    host_pass(&host, 10 * 1000);
    hear(ask(port, "/wakes"), response);
    hear(silent, response);
    CHECK_INT(strlen(response), 0);
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(a_redirect_that_comes_before_it_is_waited_for_is_kept)
{
    char response[RESPONSE_MAX];
    struct paa_txn *txn;
    struct host host;
    struct ask asked;
    unsigned port;
    int fd;

    REQUIRE(host_open(&host, policy));
    ask_for(&asked, "GET", "/x",
            "X-W: listen:/callback need:ok open_uri need:ok redirected need:ok page_of_failure:no "
            "redirected need:none accept",
            NULL);
    CHECK_INT(paa_txn_begin(&txn, host.lane, host.api, &asked.request), PAA_TXN_INPUT);
    REQUIRE(paa_txn_prompt(txn) != NULL);
    port = port_of(paa_txn_prompt(txn)->url);
    fd = ask(port, "/callback?code=1");
    await_closed(port); /* it has arrived */
    CHECK_INT(paa_txn_advance(txn), PAA_TXN_ALLOW);
    CHECK_STR(noted(txn, "code", 0), "1");
    hear(fd, response);
    CHECK_INT(status_of(response), 400);
    CHECK_HAS(response, "<h1>Not done</h1>");
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(a_browser_is_told_when_the_login_ends_without_a_page)
{
    char response[RESPONSE_MAX];
    struct paa_txn *txn;
    struct host host;
    unsigned port;
    int fd;

    REQUIRE(host_open(&host, policy));
    txn = begin(&host, "X-W: listen:/callback redirected need:ok reject", &port);
    fd = ask(port, "/callback");
    CHECK_INT(paa_txn_wait(txn, -1), PAA_TXN_ANSWER);
    paa_txn_end(&txn);
    hear(fd, response);
    CHECK_INT(status_of(response), 400);
    CHECK_HAS(response, "The login was not finished.");
    host_close(&host);
}

TEST(a_page_that_was_shown_reaches_its_browser_though_the_context_closes)
{
    char response[RESPONSE_MAX];
    struct paa_txn *txn;
    struct host host;
    unsigned port;
    int fd;

    for (int i = 0; i < 20; i++) {
        REQUIRE(host_open(&host, policy));
        txn = begin(&host, LOGIN, &port);
        fd = ask(port, "/callback");
        CHECK_INT(paa_txn_wait(txn, -1), PAA_TXN_ALLOW);
        paa_txn_end(&txn);
        host_close(&host);
        hear(fd, response);
        CHECK_INT(status_of(response), 200);
        CHECK_HAS(response, "</html>");
    }
}

TEST(nobody_who_comes_back_in_five_minutes_is_told_to_the_step)
{
    struct paa_txn *txn;
    struct host host;
    unsigned port;

    REQUIRE(host_open(&host, policy));
    txn = begin(&host,
                "X-W: listen:/callback redirected need:unavailable remaining:left page:x "
                "need:invalid accept",
                &port);
    host_pass(&host, 5 * MINUTE_MS - 1);
    CHECK_INT(paa_txn_advance(txn), PAA_TXN_PENDING);
    host_pass(&host, 1);
    CHECK_INT(paa_txn_wait(txn, -1), PAA_TXN_ALLOW);
    CHECK_STR(noted(txn, "left", 0), "10000");
    paa_txn_end(&txn);
    await_closed(port);
    host_close(&host);
}

TEST(a_listener_ends_with_its_transaction)
{
    char response[RESPONSE_MAX];
    struct paa_txn *txn;
    struct host host;
    unsigned port;
    int idle;

    REQUIRE(host_open(&host, policy));
    txn = begin(&host, LOGIN, &port);
    idle = connect_to(port);
    paa_txn_end(&txn);
    await_closed(port);
    hear(idle, response);
    CHECK_INT(strlen(response), 0);
    host_close(&host);
    CHECK_INT(atomic_load(&host_counts()->finished), atomic_load(&host_counts()->begun));
}

TEST(calls_out_of_order_are_told)
{
    static const char *const lines[] = {
        "X-W: redirected need:invalid accept",
        "X-W: page:x need:invalid accept",
        "X-W: listen:/callback need:ok page:x need:invalid accept",
        "X-W: listen:/callback need:ok listen:/other need:invalid accept",
        "X-W: listen:callback need:invalid accept",
        "X-W: listen:/callback, need:invalid accept",
        "X-W: listen:/call?back need:invalid accept",
        "X-W: listen:/call%2fback need:invalid accept",
    };
    struct host host;

    REQUIRE(host_open(&host, policy));
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (code_of(&host, "GET", "/x", lines[i], NULL) != 200)
            TEST_FAIL("%s", lines[i]);
    host_close(&host);
}

TEST(a_host_without_a_person_opens_no_listener)
{
    struct paa_context_options options;
    struct host host;

    for (int i = 0; i < 2; i++) {
        REQUIRE(host_init(&host) && host_write(&host, policy));
        host_options(&host, &options);
        if (i == 0)
            options.can &= ~(uint32_t)PAA_CAN_PROMPT;
        else
            options.flags |= PAA_OPEN_OFFLINE;
        REQUIRE(host_open_with(&host, &options));
        CHECK_INT(code_of(&host, "GET", "/x",
                          "X-W: listen:/callback need:unsupported redirected need:unsupported "
                          "page:x need:unsupported accept",
                          NULL),
                  200);
        host_close(&host);
    }
}

TEST(a_context_has_no_more_listeners_than_it_may)
{
    struct paa_txn *txns[LISTENERS_MAX];
    struct host host;
    unsigned port;

    REQUIRE(host_open(&host, policy));
    for (int i = 0; i < LISTENERS_MAX; i++)
        txns[i] = begin(&host, LOGIN, &port);
    CHECK_INT(code_of(&host, "GET", "/x", "X-W: listen:/callback need:limited accept", NULL), 200);
    paa_txn_end(&txns[LISTENERS_MAX - 1]);
    await_closed(port);
    while (code_of(&host, "GET", "/x", "X-W: listen:/callback need:ok accept", NULL) != 200)
        continue; /* it is gone a moment after it was closed */
    for (int i = 0; i < LISTENERS_MAX - 1; i++)
        paa_txn_end(&txns[i]);
    host_close(&host);
}
