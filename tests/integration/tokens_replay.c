/* SPDX-License-Identifier: MIT */
/* Replay memory that is full or dead: a DPoP proof that cannot be written down lets nobody in (RFC 9449 11.1). */
#include "full_disk.h"
#include "test.h"
#include "tokens_proof.h"

#include <signal.h>

#define BOUND "tokens = { plugin = \"oauth2-cc\"; " JWKS_OPTIONS " dpop = \"optional\"; };\n"
#define FILES "stores = { state = \"state.db\"; };\n"
#define ON_DISK                                                                                    \
    FILES POLICY(BOUND,                                                                            \
                 API("rules = ( { path = \"/**\"; chain = ( { required = \"tokens\" } ); } "       \
                     ");"))

static const char *proof_of(unsigned number)
{
    struct token_claims claims;
    char jti[32];

    proof_init(&claims);
    (void)snprintf(jti, sizeof jti, "\"proof-%u\"", number);
    claims_set(&claims, "jti", jti);
    return proof_with(&claims, NULL, client.key);
}

/* The proof of that number comes with its token. */
static void shown(struct host *host, unsigned number, unsigned code, const char *why)
{
    shown_as(host, "DPoP", proof_of(number), code, why);
}

/* What needs no replay memory. */
static void plain_is_taken(struct host *host)
{
    struct token_claims claims;
    char token[SIGNER_TOKEN_MAX];

    claims_init(&claims);
    token_sign(&claims, "\"typ\":\"at+jwt\",\"kid\":\"ed\"", ALG_ED25519, NULL, token);
    CHECK_TOKEN(host, token, 200, "good");
}

/* ---- memory --------------------------------------------------------------------------------------- */

#define IN_MEMORY                                                                                  \
    "stores = { state = \"memory\"; };\n" POLICY(                                                  \
        BOUND SCRIPT("filler", "verify = \"script:X-Fill\"; table = \"state\";"),                  \
        API("rules = ( { path = \"/fill\"; chain = ( { required = \"filler\" } ); }, "             \
            "{ path = \"/**\"; chain = ( { required = \"tokens\" } ); } );"))

/* Puts records of that size until one finds no room; how many there are then. */
static unsigned fill(struct host *host, const char *prefix, size_t size)
{
    enum { AT_ONCE = 12, LINE_MAX_SIZE = 56 * 1024 };
    static char line[LINE_MAX_SIZE];
    unsigned code = 200, count = 0;

    while (code == 200) {
        size_t at = (size_t)snprintf(line, sizeof line, "X-Fill:");

        for (int i = 0; i < AT_ONCE; i++)
            at += (size_t)snprintf(line + at, sizeof line - at, " store_put:%s%u=%0*d need:ok",
                                   prefix, count++, (int)size, 0);
        code = code_of(host, "GET", "/fill", line, NULL);
    }
    return count;
}

TEST(a_proof_that_no_memory_is_left_for_lets_nobody_in)
{
    enum { LARGE = 4000, SMALL = 8, FREED = 2000 /* room for a larger index, too */ };
    struct host host;
    unsigned count;
    char line[64];

    REQUIRE(tokens_open(&host, IN_MEMORY));
    client_init(NULL);
    shown(&host, 1, 200, "good");
    count = fill(&host, "large", LARGE);
    (void)fill(&host, "small", SMALL);
    shown(&host, 2, 503, "replay-memory");
    shown(&host, 2, 503, "replay-memory");
    shown(&host, 1, 401, "invalid_dpop_proof"); /* what was written down still is */
    plain_is_taken(&host);
    for (unsigned i = 0; i < FREED && i < count; i++) {
        (void)snprintf(line, sizeof line, "X-Fill: store_remove:large%u need:ok", i);
        CHECK_INT(code_of(&host, "GET", "/fill", line, NULL), 200);
    }
    shown(&host, 2, 200, "good");
    shown(&host, 2, 401, "invalid_dpop_proof");
    client_done();
    host_close(&host);
}

/* ---- a file --------------------------------------------------------------------------------------- */

TEST(a_proof_that_a_full_disk_does_not_keep_lets_nobody_in)
{
    struct host host;
    char reason[64];
    unsigned code;

    (void)signal(SIGXFSZ, SIG_IGN);
    REQUIRE(tokens_open(&host, ON_DISK));
    client_init(NULL);
    shown(&host, 1, 200, "good");
    allow_files(0);
    shown(&host, 2, 503, "replay-memory");
    shown(&host, 2, 503, "replay-memory");
    /* whether that can be found out depends on what SQLite has to write first */
    code = token_code(&host, "DPoP", client.token, proof_of(1), reason);
    CHECK(code == 401 || code == 503);
    plain_is_taken(&host);
    allow_files(RLIM_INFINITY);
    shown(&host, 1, 401, "invalid_dpop_proof");
    shown(&host, 2, 200, "good");
    shown(&host, 2, 401, "invalid_dpop_proof");
    client_done();
    host_close(&host);
}

/* ---- a clock that was wrong once ------------------------------------------------------------------- */

enum { WRONG_S = 500 };

static const char *proof_at(const char *jti, int64_t iat_s)
{
    struct token_claims claims;

    proof_init(&claims);
    claims_set(&claims, "jti", jti);
    claims_set_int(&claims, "iat", iat_s);
    return proof_with(&claims, NULL, client.key);
}

/* The wall clock alone runs ahead while some clients show proofs, and is put right. */
static void survives_a_jump(const char *policy)
{
    struct host host;
    char jti[32];

    REQUIRE(tokens_open(&host, policy));
    client_init(NULL);
    shown_as(&host, "DPoP", proof_at("\"before\"", HOST_TIME_S), 200, "good");
    atomic_store(&host.wrong_ns, WRONG_S * 1000 * MS_NS);
    for (int i = 0; i < 40; i++) { /* each put looks at a part of what is kept */
        (void)snprintf(jti, sizeof jti, "\"meanwhile-%d\"", i);
        shown_as(&host, "DPoP", proof_at(jti, HOST_TIME_S + WRONG_S), 200, "good");
    }
    atomic_store(&host.wrong_ns, 0);
    shown_as(&host, "DPoP", proof_at("\"before\"", HOST_TIME_S), 401, "invalid_dpop_proof");
    for (int i = 0; i < 10; i++) {
        (void)snprintf(jti, sizeof jti, "\"after-%d\"", i);
        shown_as(&host, "DPoP", proof_at(jti, HOST_TIME_S), 200, "good");
        shown_as(&host, "DPoP", proof_at(jti, HOST_TIME_S), 401, "invalid_dpop_proof");
    }
    client_done();
    host_close(&host);
}

TEST(a_clock_that_was_wrong_once_makes_no_proof_good_again_on_disk)
{
    survives_a_jump(ON_DISK);
}

TEST(a_clock_that_was_wrong_once_makes_no_proof_good_again_in_memory)
{
    survives_a_jump(
        POLICY(BOUND,
               API("rules = ( { path = \"/**\"; chain = ( { required = \"tokens\" } ); } );")));
}

TEST(replay_memory_that_is_no_store_lets_nobody_in)
{
    struct host host;

    REQUIRE(host_init(&host) && host_write(&host, ON_DISK) &&
            tokens_write(&host, TOKEN_SET, tokens_set("")) &&
            tokens_write(&host, "state.db", "this was a store once, and is none any more"));
    {
        struct paa_context_options options;

        host_options(&host, &options);
        REQUIRE(host_open_with(&host, &options));
    }
    client_init(NULL);
    shown(&host, 1, 503, "replay-memory");
    shown(&host, 1, 503, "replay-memory");
    plain_is_taken(&host);
    client_done();
    host_close(&host);
}
