/* SPDX-License-Identifier: MIT */
/* host->http and URLs from outside: where they may lead, judged by the address that is connected to. */
#include "http_bench.h"
#include "test.h"

static enum paa_status fetch_foreign(struct http_bench *h, struct caller *c, const char *url)
{
    enum paa_status status;

    caller_open(c, h, "/");
    if (url != NULL)
        c->request.url = paa_str_of(url);
    c->request.flags = PAA_HTTP_FOREIGN_URL;
    status = fetch(c);
    caller_close(c);
    return status;
}

TEST(a_url_from_outside_leads_to_no_local_address)
{
    struct http_bench h;
    struct caller c;
    char url[FAULT_URL_MAX];

    http_bench_open(&h, FAULT_TLS_GOOD);
    CHECK_INT(fetch_foreign(&h, &c, NULL), PAA_STATUS_DENIED);
    CHECK_HAS(c.sentence, "it is at no public address");
    CHECK_INT(fetch_foreign(&h, &c, fault_server_named_url(h.server, "/", url)), PAA_STATUS_DENIED);
    CHECK_INT(fault_server_connections(h.server), 0);
    http_bench_close(&h);
}

TEST(every_spelling_of_a_local_address_is_seen)
{
    static const char *const hosts[] = {
        "[::ffff:127.0.0.1]", "[::1]",     "0.0.0.0",          "10.0.0.1", "169.254.169.254",
        "[fe80::1]",          "[fc00::1]", "[64:ff9b::a00:1]", "224.0.0.1"
    };
    struct http_bench h;
    struct caller c;
    char url[FAULT_URL_MAX];

    http_bench_open(&h, FAULT_TLS_GOOD);
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        snprintf(url, sizeof url, "https://%s:%u/", hosts[i], fault_server_port(h.server));
        CHECK_INT(fetch_foreign(&h, &c, url), PAA_STATUS_DENIED);
    }
    CHECK_INT(fault_server_connections(h.server), 0);
    http_bench_close(&h);
}

TEST(where_the_policys_own_url_leads_a_url_from_outside_may_lead_too)
{
    struct http_bench h;
    struct origin own;
    struct caller c;

    http_bench_open(&h, FAULT_TLS_GOOD);
    own = (struct origin){ STR("127.0.0.1"), (uint16_t)fault_server_port(h.server), true };
    h.b.instance.origins = &own;
    h.b.instance.origin_count = 1;
    CHECK_INT(fetch_foreign(&h, &c, NULL), PAA_STATUS_OK);
    own.port++; /* the same host is not enough */
    CHECK_INT(fetch_foreign(&h, &c, NULL), PAA_STATUS_DENIED);
    http_bench_close(&h);
}

TEST(a_connection_of_the_policys_own_url_is_no_way_in)
{
    struct http_bench h;
    struct caller c;

    http_bench_open(&h, FAULT_TLS_GOOD);
    CHECK_INT(fetch_once(&h, &c, "/"), PAA_STATUS_OK);
    CHECK_INT(fetch_foreign(&h, &c, NULL), PAA_STATUS_DENIED); /* although one is open */
    CHECK_INT(fault_server_requests(h.server), 1);
    http_bench_close(&h);
}

TEST(being_denied_is_no_failure_of_the_server)
{
    struct http_bench h;
    struct caller c;

    http_bench_open(&h, FAULT_TLS_GOOD);
    CHECK_INT(fetch_foreign(&h, &c, NULL), PAA_STATUS_DENIED);
    CHECK_INT(fetch_foreign(&h, &c, NULL), PAA_STATUS_DENIED); /* not LIMITED */
    CHECK_INT(fetch_once(&h, &c, "/"), PAA_STATUS_OK);
    http_bench_close(&h);
}
