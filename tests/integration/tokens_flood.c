/* SPDX-License-Identifier: MIT */
/*
 * What strangers can cost with tokens that are worth nothing: fetches, and memory. The issuer is a server that does what
 * the test says, the clock is the test's.
 */
#include "test.h"
#include "tokens_issuer.h"

#include "memory_grown.h"

enum {
    SIGNATURE_TEXT = 86,
    NUMBER_DIGITS = 10
}; /* characters of an ES256 signature, of a token's number */

/* ---- tokens that differ --------------------------------------------------------------------------- */

struct kind {
    const char *reason; /* why they are refused */
    const char *header; /* up to the token's number; NULL: it is no JWT */
    const char *end;    /* and after it */
    const char *name;   /* a claim that is wrong; NULL: none */
    const char *value;
};

#define SIGNED "{\"alg\":\"ES256\",\"typ\":\"at+jwt\","
#define RIGHT  SIGNED "\"kid\":\"p256\",\"x\":\""

/* Each is refused before anything is computed with a key. */
static const struct kind kinds[] = {
    { "unknown-key", SIGNED "\"kid\":\"", "\"}", NULL, NULL },
    { "audience", RIGHT, "\"}", "aud", "\"https://other.example\"" },
    { "expired", RIGHT, "\"}", "exp", "1767225000" },
    { "issuer", RIGHT, "\"}", "iss", "\"https://other.example\"" },
    { "unsigned", "{\"alg\":\"none\",\"typ\":\"at+jwt\",\"x\":\"", "\"}", NULL, NULL },
    { "embedded-key", SIGNED "\"jwk\":{\"x\":\"", "\"}}", NULL, NULL },
    { "no-jwt", NULL, NULL, NULL, NULL },
};

enum { KINDS = sizeof kinds / sizeof kinds[0] };

struct flood { /* what does not change in the tokens of each kind */
    char payload[KINDS][SIGNER_TOKEN_MAX];
    char signature[SIGNATURE_TEXT + 1];
};

static void flood_init(struct flood *flood, const struct issuer *issuer)
{
    char quoted[FAULT_URL_MAX + 2], text[4096];

    (void)snprintf(quoted, sizeof quoted, "\"%s\"", issuer->name);
    memset(flood->signature, 'A', SIGNATURE_TEXT);
    flood->signature[SIGNATURE_TEXT] = '\0';
    for (size_t i = 0; i < KINDS; i++) {
        struct token_claims claims;

        claims_init(&claims);
        claims_set(&claims, "iss", quoted);
        claims_set_int(&claims, "exp", HOST_TIME_S + DAY);
        if (kinds[i].name != NULL)
            claims_set(&claims, kinds[i].name, kinds[i].value);
        (void)claims_write(&claims, text, sizeof text);
        (void)signer_encode(paa_str_of(text), flood->payload[i]);
    }
}

/* The token of that kind and number. */
static void flood_token(const struct flood *flood, const struct kind *kind, unsigned number,
                        char ret_token[SIGNER_TOKEN_MAX])
{
    char digits[NUMBER_DIGITS + 1], header[256], encoded[512];

    (void)snprintf(digits, sizeof digits, "%0*u", (int)NUMBER_DIGITS, number);
    if (kind->header == NULL) {
        (void)snprintf(ret_token, SIGNER_TOKEN_MAX, "opaque-%s-%s", digits, flood->signature);
        return;
    }
    (void)snprintf(header, sizeof header, "%s%s%s", kind->header, digits, kind->end);
    (void)signer_encode(paa_str_of(header), encoded);
    (void)snprintf(ret_token, SIGNER_TOKEN_MAX, "%s.%s.%s", encoded, flood->payload[kind - kinds],
                   strcmp(kind->reason, "unsigned") == 0 ? "" : flood->signature);
}

/* False: the token was not refused for that; told. */
static bool is_refused(struct host *host, const struct flood *flood, const struct kind *kind,
                       unsigned number)
{
    char token[SIGNER_TOKEN_MAX], reason[64];
    unsigned code;

    flood_token(flood, kind, number, token);
    code = token_code(host, "Bearer", token, NULL, reason);
    if (code == 401 && strcmp(reason, kind->reason) == 0)
        return true;
    TEST_FAIL("token %u: %u %s, not %s", number, code, reason, kind->reason);
    return false;
}

/* ---- keys that nobody knows ---------------------------------------------------------------------- */

TEST(ten_thousand_invented_keys_in_a_minute_cost_a_fetch_a_cool_down)
{
    enum { TOKENS_SENT = 10 * 1000, MINUTE_MS = 60 * 1000, COOL_DOWNS = 2 };
    static struct flood flood;
    struct issuer issuer;
    struct host host;
    char token[SIGNER_TOKEN_MAX];
    unsigned before, fetched;

    issuer_start(&issuer);
    REQUIRE(issuer_open(&host, &issuer, ""));
    token_of(&issuer, "p256", ALG_ES256, token);
    CHECK_TOKEN(&host, token, 200, "good");
    flood_init(&flood, &issuer);
    before = fault_server_requests(issuer.server);
    for (unsigned i = 0; i < TOKENS_SENT; i++) {
        REQUIRE(is_refused(&host, &flood, &kinds[0], i));
        host_pass(&host, MINUTE_MS / TOKENS_SENT);
    }
    fetched = fault_server_requests(issuer.server) - before;
    printf("%u fetches for %d tokens with invented keys in a minute\n", fetched, TOKENS_SENT);
    CHECK(fetched >= 1 && fetched <= COOL_DOWNS);
    host_close(&host);
    fault_server_stop(issuer.server);
}

/* ---- memory -------------------------------------------------------------------------------------- */

TEST(a_million_bad_tokens_leave_nothing_behind)
{
    enum { WARM = 10 * 1000, MORE = 1000 * 1000 };
    static struct flood flood;
    struct memory before = { 0, 0 };
    struct issuer issuer;
    struct host host;
    char good[SIGNER_TOKEN_MAX];
    unsigned fetched;

    issuer_start(&issuer);
    REQUIRE(issuer_open(&host, &issuer, ""));
    token_of(&issuer, "p256", ALG_ES256, good);
    CHECK_TOKEN(&host, good, 200, "good");
    flood_init(&flood, &issuer);
    for (unsigned i = 0; i < WARM + MORE; i++) {
        if (i == WARM)
            before = memory_now();
        REQUIRE(is_refused(&host, &flood, &kinds[i % KINDS], i));
    }
    check_grown("bad tokens", MORE, before);
    fetched = fault_server_requests(issuer.server);
    CHECK_INT(fetched,
              3); /* the document, the keys, the keys once more for the first unknown one */
    CHECK_TOKEN(&host, good, 200, "good");
    CHECK_INT(fault_server_requests(issuer.server), fetched);
    host_close(&host);
    fault_server_stop(issuer.server);
}

/* These cost a look at a key each, so they are fewer. */
TEST(bad_signatures_leave_nothing_behind)
{
    enum { WARM = 500, MORE = 5000 };
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef";
    struct memory before = { 0, 0 };
    struct issuer issuer;
    struct host host;
    char token[SIGNER_TOKEN_MAX], good[SIGNER_TOKEN_MAX];
    size_t size;

    issuer_start(&issuer);
    REQUIRE(issuer_open(&host, &issuer, ""));
    token_of(&issuer, "p256", ALG_ES256, token);
    CHECK_TOKEN(&host, token, 200, "good");
    size = strlen(token);
    memcpy(good, token, size + 1);
    for (unsigned i = 0; i < WARM + MORE; i++) {
        if (i == WARM)
            before = memory_now();
        /* other letters in the signature, but for the last one, whose spare bits must be zero */
        token[size - 3] = letters[i & 31];
        token[size - 4] = letters[i >> 5 & 31];
        token[size - 5] = letters[i >> 10 & 31];
        if (strcmp(token, good) != 0) /* chance signed with just these letters */
            CHECK_TOKEN(&host, token, 401, "signature");
    }
    check_grown("bad signatures", MORE, before);
    host_close(&host);
    fault_server_stop(issuer.server);
}
