/* SPDX-License-Identifier: MIT */
/* Login on another device (RFC 8628) before a server that answers as the test says. Polls go by the machine's own clock,
 * a second or two each: a timer of the product is what is looked at. No step has to come within less than three. */
#include "people.h"
#include "test.h"

#define CODES(life, interval)                                                                      \
    {                                                                                              \
        .type = JSON_TYPE,                                                                         \
        .body = "{\"device_code\":\"of-the-device\",\"user_code\":\"WDJB-MJHT\",\"verification_"   \
                "uri\":\"https://example.com/device\",\"expires_in\":" life                        \
                ",\"interval\":" interval "}"                                                      \
    }
#define REFUSED(word)                                                                              \
    {                                                                                              \
        .code = 400, .type = JSON_TYPE, .body = "{\"error\":\"" word "\"}"                         \
    }

static const struct fault_answer codes = CODES("600", "1");
static const struct fault_answer until_slower = CODES("6", "1");  /* 1 and then 6 is too much */
static const struct fault_answer until_doubled = CODES("5", "2"); /* and so is 2 and then 4 */
static const struct fault_answer pending = REFUSED("authorization_pending");
static const struct fault_answer slow_down = REFUSED("slow_down");
static const struct fault_answer denied = REFUSED("access_denied");
static const struct fault_answer expired = REFUSED("expired_token");
static const struct fault_answer no_client = REFUSED("invalid_client");
static const struct fault_answer broken = { .code = 503 };
static const struct fault_answer tokens =
    TOKEN("one", ",\"expires_in\":600,\"refresh_token\":\"fresh-1\"");

static bool begin(struct place *place, const struct fault_answer *given)
{
    struct paa_context_options context;

    if (!people_begin(place, PEOPLE_PLAIN "flow = \"device\"; scope = \"read\";"))
        return false;
    people_leave(place);
    host_options(&place->host, &context);
    context.converse_fn = people_converse;
    context.monotonic_fn = NULL;
    fault_server_answer(place->server, "/device", given);
    return host_open_with(&place->host, &context);
}

TEST(who_enters_the_code_in_time_is_logged_in)
{
    struct fault_request request;
    struct place place;

    REQUIRE(begin(&place, &codes));
    fault_server_answer(place.server, "/token", &pending);
    fault_server_answer(place.server, "/token", &tokens);
    CHECK_INT(people_run(&place.host, "login", NULL), 0);
    CHECK_STR(paa_str_of(person.url), "https://example.com/device");
    CHECK_STR(paa_str_of(person.code), "WDJB-MJHT");
    CHECK_INT(fault_server_requests(place.server), 3);
    REQUIRE(fault_server_last(place.server, &request));
    CHECK_STR(paa_str_of(request.body),
              "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=of-"
              "the-device&client_id=me");
    CHECK_STR(paa_str_of(sends(&place.host).authorization), "Bearer one");
    sends_end(&place);
}

TEST(the_request_for_codes_says_what_the_policy_says)
{
    struct fault_request request;
    struct place place;

    REQUIRE(begin(&place, &no_client));
    CHECK_INT(people_run(&place.host, "login", NULL), 1);
    CHECK_HAS(place.host.error.text, "invalid_client");
    CHECK_INT(person.asked, 0);
    REQUIRE(fault_server_last(place.server, &request));
    CHECK_STR(paa_str_of(request.target), "/device");
    CHECK_STR(paa_str_of(request.body), "scope=read&client_id=me");
    sends_end(&place);
}

TEST(polling_ends_with_a_no_with_the_code_and_with_its_time)
{
    /* slow_down and trouble make the interval longer than what is left: nobody asks once more */
    static const struct {
        const struct fault_answer *given;
        const struct fault_answer *said;
        const char *says;
    } rows[] = {
        { &codes, &denied, "did not agree" },
        { &codes, &expired, "has expired" },
        { &until_slower, &slow_down, "in time" },
        { &until_doubled, &broken, "in time" },
    };
    struct place place;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        REQUIRE(begin(&place, rows[i].given));
        fault_server_answer(place.server, "/token", rows[i].said);
        CHECK_INT(people_run(&place.host, "login", NULL), 1);
        CHECK_HAS(place.host.error.text, rows[i].says);
        CHECK_INT(fault_server_requests(place.server), 2);
        CHECK_STR(paa_str_of(sends(&place.host).reason), "no-login");
        sends_end(&place);
    }
}
