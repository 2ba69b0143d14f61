/* SPDX-License-Identifier: MIT */
/* OCSP: what is asked, and what is believed of what comes back (plugins/mtls/ocsp.h). */
#include "issued.h"
#include "ocsp.h"
#include "str.h"
#include "test.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>

struct world {
    struct issued *ca;
    struct issued *client;
    struct issued *other;
    struct issued *appointed; /* by the CA, for OCSP */
    struct issued *upstart;   /* of the CA, not for OCSP */
    struct issued *stranger;
};

static const struct world *world(void)
{
    static const struct recipe appointed = { .name = "responder", .extended = "OCSPSigning" };
    static struct world made;

    if (made.ca == NULL) {
        made.ca = issue_ca("CA", NULL);
        made.client = issue_client("robot", made.ca);
        made.other = issue_client("other", made.ca);
        made.appointed = issue(&appointed, made.ca);
        made.upstart = issue_client("upstart", made.ca);
        made.stranger = issue(&appointed, NULL);
    }
    return &made;
}

/* "good", "revoked", or why it is not believed. */
static const char *read_with(struct paa_bytes body, struct ocsp_said *ret_said)
{
    struct ocsp_question question;
    struct ocsp_parts parts;
    const char *why;

    if (!ocsp_question_of(world()->client->x509, world()->ca->x509, STR("http://x/"), &question) ||
        !ocsp_question_read(paa_bytes_of(question.data, question.size), &parts))
        return "no question";
    ERR_clear_error();
    why = ocsp_response_read(body, &parts, ISSUED_NOW_S, ret_said);
    CHECK_INT(ERR_peek_error(), 0);
    free(question.data);
    if (why != NULL)
        return why;
    return ret_said->answer == OCSP_IS_GOOD ? "good" : "revoked";
}

static const char *read_of(struct response_recipe recipe)
{
    struct ocsp_said said;
    struct paa_bytes body;
    const char *what;

    if (recipe.certificate == NULL)
        recipe.certificate = world()->client;
    if (recipe.issuer == NULL)
        recipe.issuer = world()->ca;
    body = issue_response(&recipe);
    what = read_with(body, &said);
    OPENSSL_free((void *)(uintptr_t)body.data);
    return what;
}

TEST(a_response_of_the_issuer_or_whom_it_appointed_is_believed)
{
    CHECK_STR(paa_str_of(read_of((struct response_recipe){ .status = V_OCSP_CERTSTATUS_GOOD })),
              "good");
    CHECK_STR(paa_str_of(read_of((struct response_recipe){ .status = V_OCSP_CERTSTATUS_REVOKED })),
              "revoked");
    CHECK_STR(paa_str_of(read_of((struct response_recipe){ .signer = world()->appointed })),
              "good");
}

TEST(a_response_of_anybody_else_is_not_believed)
{
    struct issued *twin = issue_ca("CA", NULL);

    CHECK_HAS(read_of((struct response_recipe){ .signer = world()->upstart }), "not signed");
    CHECK_HAS(read_of((struct response_recipe){ .signer = world()->stranger }), "not signed");
    CHECK_HAS(read_of((struct response_recipe){ .signer = world()->client }), "not signed");
    CHECK_HAS(read_of((struct response_recipe){ .signer = twin }), "not signed");
    CHECK_HAS(read_of((struct response_recipe){ .digest = "SHA1" }), "not signed");
    issued_free(twin);
}

/* RSASSA-PSS names its digest in its parameters; SHA-1 by leaving it out. */
TEST(a_response_whose_pss_digest_is_weak_is_not_believed)
{
    static const struct recipe rsa = { .name = "PSS responder",
                                       .key = "RSA:2048",
                                       .extended = "OCSPSigning" };
    struct issued *responder = issue(&rsa, world()->ca);

    CHECK_STR(paa_str_of(
                  read_of((struct response_recipe){ .signer = responder, .digest = "PSS:SHA256" })),
              "good");
    CHECK_HAS(read_of((struct response_recipe){ .signer = responder, .digest = "PSS:SHA1" }),
              "not signed");
    CHECK_HAS(read_of((struct response_recipe){ .signer = responder, .digest = "PSS:SHA224" }),
              "not signed");
    issued_free(responder);
}

TEST(a_responder_must_be_as_strong_as_those_it_vouches_for)
{
    static const struct recipe weak[] = {
        { .name = "responder", .extended = "OCSPSigning", .key = "secp256k1" },
        { .name = "responder", .extended = "OCSPSigning", .key = "P-224" },
        { .name = "responder", .extended = "OCSPSigning", .digest = "SHA224" },
    };

    for (size_t i = 0; i < sizeof weak / sizeof weak[0]; i++) {
        struct issued *responder = issue(&weak[i], world()->ca);

        CHECK_HAS(read_of((struct response_recipe){ .signer = responder }), "not signed");
        issued_free(responder);
    }
}

TEST(a_response_that_does_not_answer_is_none)
{
    CHECK_HAS(read_of((struct response_recipe){ .certificate = world()->other }),
              "another certificate");
    CHECK_HAS(read_of((struct response_recipe){ .status = V_OCSP_CERTSTATUS_UNKNOWN }),
              "does not know");
    CHECK_HAS(read_of((struct response_recipe){ .error = OCSP_RESPONSE_STATUS_TRYLATER }),
              "error of the responder");
    CHECK_HAS(read_of((struct response_recipe){ .error = OCSP_RESPONSE_STATUS_UNAUTHORIZED }),
              "error of the responder");
}

TEST(a_response_counts_in_its_time_only)
{
    CHECK_STR(paa_str_of(read_of((struct response_recipe){ .until_s = 1 })), "good");
    CHECK_HAS(read_of((struct response_recipe){ .from_s = -7200, .until_s = -2 }), "too old");
    CHECK_HAS(read_of((struct response_recipe){ .from_s = 3600, .until_s = 7200 }), "future");
    CHECK_STR(paa_str_of(read_of((struct response_recipe){ .from_s = -60, .until_s = -1 })),
              "good");
    CHECK_HAS(read_of((struct response_recipe){ .from_s = -3601, .until_s = -1 }), "too old");
}

TEST(no_byte_of_a_response_may_be_changed)
{
    struct response_recipe recipe = { .certificate = world()->client,
                                      .issuer = world()->ca,
                                      .status = V_OCSP_CERTSTATUS_REVOKED };
    struct paa_bytes body = issue_response(&recipe);
    unsigned char *bytes = (unsigned char *)(uintptr_t)body.data;
    struct ocsp_said said;

    CHECK_STR(paa_str_of(read_with(body, &said)), "revoked");
    for (size_t i = 0; i < body.size; i++) {
        bytes[i] ^= 0x01;
        if (strcmp(read_with(body, &said), "good") == 0)
            TEST_FAIL("with byte %zu of %zu changed it is good", i, body.size);
        bytes[i] ^= 0x01;
    }
    CHECK_HAS(read_with(paa_bytes_of(bytes, body.size - 1), &said), "no OCSP response");
    CHECK_HAS(read_with(paa_bytes_of("", 0), &said), "empty");
    CHECK_HAS(read_with(paa_bytes_of("hello", 5), &said), "no OCSP response");
    OPENSSL_free(bytes);
}

TEST(a_question_names_the_responder_of_the_policy_or_of_the_certificate)
{
    struct recipe told = { .responder = "OCSP;URI:http://ocsp.example.com/a" };
    struct issued *client = issue(&told, world()->ca);
    struct ocsp_question question;
    struct ocsp_parts parts;
    unsigned char *body;

    REQUIRE(ocsp_question_of(client->x509, world()->ca->x509, STR_NONE, &question));
    REQUIRE(ocsp_question_read(paa_bytes_of(question.data, question.size), &parts));
    CHECK_STR(parts.url, "http://ocsp.example.com/a");
    CHECK(ocsp_request(&parts, &body) > 0);
    OPENSSL_free(body);
    for (size_t size = 0; size < 8; size++)
        CHECK(!ocsp_question_read(paa_bytes_of(question.data, size), &parts));
    free(question.data);
    REQUIRE(ocsp_question_of(client->x509, world()->ca->x509, STR("https://x/"), &question));
    REQUIRE(ocsp_question_read(paa_bytes_of(question.data, question.size), &parts));
    CHECK_STR(parts.url, "https://x/");
    free(question.data);
    REQUIRE(ocsp_question_of(world()->client->x509, world()->ca->x509, STR_NONE, &question));
    REQUIRE(ocsp_question_read(paa_bytes_of(question.data, question.size), &parts));
    CHECK(parts.url.data == NULL);
    free(question.data);
    issued_free(client);
}
