/* SPDX-License-Identifier: MIT */
/* What device authorization and pushed request endpoints answer, as they should and as they must not. */
#include "endpoint_response.h"
#include "str.h"
#include "test.h"

#define JSON "application/json"

static struct device_response device;
static struct pushed_response pushed;

static struct token_memory *memory(void)
{
    static _Alignas(struct token_memory) char room[sizeof(struct token_memory) + 128 * 1024];

    return (struct token_memory *)(void *)room;
}

static enum token_answer device_of(uint32_t code, const char *body)
{
    return device_response_read(code, STR(JSON), paa_bytes_of(body, strlen(body)), memory(),
                                &device);
}

static enum token_answer pushed_of(uint32_t code, const char *body)
{
    return pushed_response_read(code, STR(JSON), paa_bytes_of(body, strlen(body)), memory(),
                                &pushed);
}

/* RFC 8628 3.2 */
TEST(codes_for_a_device_are_read)
{
    CHECK_INT(device_of(200, "{\"device_code\":\"GmRh\",\"user_code\":\"WDJB-MJHT\","
                             "\"verification_uri\":\"https://example.com/device\","
                             "\"verification_uri_complete\":\"https://example.com/device?user_code="
                             "WDJB-MJHT\",\"expires_in\":1800,\"interval\":7}"),
              TOKEN_GIVEN);
    CHECK_STR(device.device_code, "GmRh");
    CHECK_STR(device.user_code, "WDJB-MJHT");
    CHECK_STR(device.uri, "https://example.com/device");
    CHECK_STR(device.uri_complete, "https://example.com/device?user_code=WDJB-MJHT");
    CHECK_INT(device.expires_in_s, 1800);
    CHECK_INT(device.interval_s, 7);
    CHECK_INT(device_of(200, "{\"device_code\":\"a\",\"user_code\":\"b\",\"verification_uri\":"
                             "\"https://example.com/\",\"expires_in\":1e9}"),
              TOKEN_GIVEN);
    CHECK(device.uri_complete.data == NULL);
    CHECK_INT(device.interval_s, DEVICE_INTERVAL_S);
    CHECK_INT(device.expires_in_s, DEVICE_EXPIRES_MAX_S);
}

#define D(code, user, uri, more)                                                                   \
    "{\"device_code\":" code ",\"user_code\":" user ",\"verification_uri\":" uri more "}"
#define URI "\"https://example.com/\""

TEST(nobody_is_sent_where_a_stranger_could_send_them)
{
    static const char *const bad[] = {
        "[]",
        "{}",
        D("\"\"", "\"b\"", URI, ",\"expires_in\":1"),
        D("\"a b\"", "\"b\"", URI, ",\"expires_in\":1"),
        D("7", "\"b\"", URI, ",\"expires_in\":1"),
        D("\"a\"", "\"\"", URI, ",\"expires_in\":1"),
        D("\"a\"", "\"\\u001b[2J\"", URI, ",\"expires_in\":1"),
        D("\"a\"", "\"b\"", "\"javascript:alert(1)\"", ",\"expires_in\":1"),
        D("\"a\"", "\"b\"", "\"http://example.com/\"", ",\"expires_in\":1"),
        D("\"a\"", "\"b\"", "\"https://u@example.com/\"", ",\"expires_in\":1"),
        D("\"a\"", "\"b\"", "\"https://example.com/\\u001b[2J\"", ",\"expires_in\":1"),
        D("\"a\"", "\"b\"", URI, ",\"verification_uri_complete\":\"file:///x\",\"expires_in\":1"),
        D("\"a\"", "\"b\"", URI, ""),
        D("\"a\"", "\"b\"", URI, ",\"expires_in\":0"),
        D("\"a\"", "\"b\"", URI, ",\"expires_in\":\"1\""),
        D("\"a\"", "\"b\"", URI, ",\"expires_in\":1,\"interval\":0"),
        D("\"a\"", "\"b\"", URI, ",\"expires_in\":1,\"interval\":-5"),
        D("\"a\"", "\"b\"", URI, ",\"expires_in\":1,\"expires_in\":2"),
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (device_of(200, bad[i]) != TOKEN_MALFORMED)
            TEST_FAIL("taken: %s", bad[i]);
        CHECK(device.refusal.why != NULL);
    }
}

TEST(an_error_of_any_endpoint_is_told_by_its_word)
{
    CHECK_INT(device_of(400, "{\"error\":\"invalid_scope\",\"error_description\":\"no\"}"),
              TOKEN_REFUSED);
    CHECK_STR(device.refusal.error, "invalid_scope");
    CHECK_STR(device.refusal.description, "no");
    CHECK_INT(device_of(503, ""), TOKEN_TROUBLE);
    CHECK_INT(device_of(302, ""), TOKEN_MALFORMED);
    CHECK_INT(device_of(404, "{}"), TOKEN_MALFORMED);
    CHECK_INT(pushed_of(401, "{\"error\":\"invalid_client\"}"), TOKEN_REFUSED);
    CHECK_STR(pushed.refusal.error, "invalid_client");
    CHECK_INT(device_response_read(200, STR("text/html"), paa_bytes_of("{}", 2), memory(), &device),
              TOKEN_MALFORMED);
}

/* RFC 9126 2.2 */
TEST(a_pushed_request_has_a_name)
{
    CHECK_INT(pushed_of(201, "{\"request_uri\":\"urn:ietf:params:oauth:request_uri:6esc\","
                             "\"expires_in\":60}"),
              TOKEN_GIVEN);
    CHECK_STR(pushed.request_uri, "urn:ietf:params:oauth:request_uri:6esc");
    CHECK_INT(pushed_of(201, "{\"request_uri\":\"\"}"), TOKEN_MALFORMED);
    CHECK_INT(pushed_of(201, "{\"request_uri\":\"a b\"}"), TOKEN_MALFORMED);
    CHECK_INT(pushed_of(201, "{\"request_uri\":7}"), TOKEN_MALFORMED);
    CHECK_INT(pushed_of(201, "{}"), TOKEN_MALFORMED);
}
