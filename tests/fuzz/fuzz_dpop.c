/* SPDX-License-Identifier: MIT */
/* A DPoP proof from a stranger. A first byte of '{' is not a proof's: then the input is its claims, and a header with a key
 * is made, so that the judgement is reached. What is found good fits what was wanted. */
#include "codec.h"
#include "dpop_check.h"
#include "fuzz.h"
#include "str.h"

static struct jwt_scratch scratch;

/* RFC 9449 4.2 and 7.1: the key, the token and the request of its examples. */
static const char header[] =
    "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":{\"kty\":\"EC\","
    "\"x\":\"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs\","
    "\"y\":\"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA\",\"crv\":\"P-256\"}}";

static const struct dpop_want want = { .algs = ALGS_PUBLIC,
                                       .method = { "GET", 3 },
                                       .scheme = { "https", 5 },
                                       .authority = { "resource.example.org", 20 },
                                       .target = { "/protectedresource", 18 },
                                       .token = { "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU",
                                                  43 },
                                       .jkt = { "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I", 43 },
                                       .now_s = 1562262618,
                                       .leeway_s = 60 };

static void check(struct paa_str text)
{
    char *memory = malloc(dpop_memory(text));
    struct dpop_proof proof;
    enum dpop_verdict verdict;

    HOLDS(memory != NULL);
    verdict = dpop_read(text, &want, &scratch, memory, &proof);
    HOLDS(verdict >= DPOP_GOOD && verdict <= DPOP_FAULT && dpop_sentence(verdict) != NULL);
    if (verdict == DPOP_GOOD) {
        HOLDS(str_eq(proof.jwt.texts[JWT_T_HTM], want.method));
        HOLDS(proof.jwt.texts[JWT_T_JTI].size > 0 && proof.ends_at_s > want.now_s);
        HOLDS(proof.has_key);
        (void)dpop_verify(&proof);
    }
    dpop_done(&proof);
    free(memory);
}

static void check_claims(struct paa_str claims)
{
    enum { HEAD = BASE64URL_SIZE(sizeof header - 1), SIGNATURE = 86 };
    size_t size = HEAD + 1 + BASE64URL_SIZE(claims.size) + 1 + SIGNATURE;
    char *text = malloc(size);

    HOLDS(text != NULL);
    base64url_encode(paa_bytes_of(header, sizeof header - 1), text);
    text[HEAD] = '.';
    base64url_encode(paa_bytes_of(claims.data, claims.size), text + HEAD + 1);
    text[size - SIGNATURE - 1] = '.';
    memset(text + size - SIGNATURE, 'A', SIGNATURE);
    check(paa_str_of_n(text, size));
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct paa_str text = paa_str_of_n((const char *)data, size);

    if (size > 0 && data[0] == '{')
        check_claims(text);
    else
        check(text);
    return 0;
}
