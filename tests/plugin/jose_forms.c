/* SPDX-License-Identifier: MIT */
/* Tokens whose form or signature is wrong; what is read of good ones; what rules fail closed on. */
#include "judging.h"

#include "codec.h"

#define HEADER "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"rsa\"}"
#define GOOD                                                                                       \
    "{\"iss\":\"" ISSUER "\",\"aud\":\"orders\",\"sub\":\"s\",\"client_id\":\"c\",\"jti\":\"j\","  \
    "\"exp\":1800000300,\"iat\":1799999990}"

static char token[SIGNER_TOKEN_MAX];

static size_t good_token(void)
{
    return signer_token(STR(HEADER), STR(GOOD), ALG_RS256, NULL, token);
}

static struct jwt_finding found_of(struct judging *j, const char *text,
                                   enum signature *ret_signature)
{
    return judging_token(j, paa_str_of(text), ret_signature);
}

static void check_form(struct judging *j, const char *name, const char *text,
                       enum jwt_verdict verdict)
{
    enum signature signature;
    struct jwt_finding found = found_of(j, text, &signature);

    if (found.verdict != verdict || signature != SIGNATURE_UNASKED)
        TEST_FAIL("%s: %s (%d), signature %d", name, jwt_reason(found.verdict), (int)found.verdict,
                  (int)signature);
}

/* ---- form -------------------------------------------------------------------------------------- */

TEST(what_has_not_three_parts_is_no_jwt)
{
    static const struct {
        const char *name;
        const char *text;
        enum jwt_verdict verdict;
    } rows[] = {
        { "nothing", "", JWT_NO_JWT },
        { "an opaque token", "2YotnFZFEjr1zCsicMWpAA", JWT_NO_JWT },
        { "one dot", "a.b", JWT_NO_JWT },
        { "dots alone", "..", JWT_NO_JWT },
        { "no header", ".e30.AA", JWT_NO_JWT },
        { "no payload", "e30..AA", JWT_NO_JWT },
        { "four parts", "e30.e30.AA.AA", JWT_NO_JWT },
        { "four parts, the last empty", "e30.e30.AA.", JWT_NO_JWT },
        { "five parts", "e30.e30.AA.AA.AA", JWT_ENCRYPTED },
        { "five parts, no key", "e30..AA.AA.AA", JWT_ENCRYPTED },
        { "six parts", "e30.e30.AA.AA.AA.AA", JWT_NO_JWT },
        { "JSON serialization", "{\"payload\":\"e30\",\"signatures\":[]}", JWT_NO_JWT },
    };
    struct judging j;

    judging_init(&j, JWT_RFC9068);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_form(&j, rows[i].name, rows[i].text, rows[i].verdict);
    judging_done(&j);
}

TEST(base64url_that_is_not_canonical_is_refused)
{
    static const char *const tails[] = { "=", "==", "!", "!!", "\n", " ",    "%3D",
                                         "+", "/",  "A", "~",  "\t", "AAAA", "\xc3\xa9" };
    struct judging j;
    size_t size = good_token();

    judging_init(&j, JWT_RFC9068);
    for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
        enum signature signature;
        struct jwt_finding found;

        strcpy(token + size, tails[i]);
        found = found_of(&j, token, &signature);
        /* four more characters are base64url, and of no RSA key of the set */
        if (found.verdict != JWT_BASE64 && signature != SIGNATURE_BAD)
            TEST_FAIL("\"%s\" behind the signature: %s", tails[i], jwt_reason(found.verdict));
    }
    token[size] = '\0';
    token[size - 1]++; /* the same bytes, other trailing bits */
    check_form(&j, "trailing bits", token, JWT_BASE64);
    judging_done(&j);
}

TEST(wrong_characters_in_header_or_payload_are_refused)
{
    static const char *const texts[] = { "e3 0.e30.AA", "e30=.e30.AA", "e30\n.e30.AA", "e3+.e30.AA",
                                         "e31.e30.AA",  " e30.e30.AA", "e.e30.AA" };
    struct judging j;
    size_t dot;

    judging_init(&j, JWT_RFC9068);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        check_form(&j, texts[i], texts[i], JWT_BASE64);
    good_token();
    dot = str_find(paa_str_of(token), '.', 0);
    token[dot + 5] = '=';
    check_form(&j, "padding in the payload", token, JWT_BASE64);
    judging_done(&j);
}

TEST(sizes_are_judged_before_anything_is_decoded)
{
    static char text[JWT_TEXT_MAX + 2];
    struct judging j;

    judging_init(&j, JWT_RFC9068);
    memset(text, 'A', sizeof text - 1);
    check_form(&j, "a token too large", text, JWT_TOO_LARGE);
    text[JWT_TEXT_MAX] = '\0';
    check_form(&j, "one part as large as it may be", text, JWT_NO_JWT);
    text[JWT_HEADER_MAX + 1] = '.';
    text[JWT_HEADER_MAX + 3] = '.';
    check_form(&j, "a header too large", text, JWT_TOO_LARGE);
    judging_done(&j);
}

TEST(a_signature_whose_size_cannot_be_stops_before_the_payload)
{
    static const struct {
        const char *alg;
        size_t characters; /* one less and one more are refused */
    } rows[] = {
        { "ES256", 86 }, { "ES384", 128 }, { "ES512", 176 }, { "EdDSA", 86 }, { "Ed25519", 86 }
    };
    struct judging j;
    char header[128];

    judging_init(&j, JWT_RFC9068);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t more = 0; more < 3; more++) {
            size_t size;

            snprintf(header, sizeof header, "{\"alg\":\"%s\",\"typ\":\"at+jwt\"}", rows[i].alg);
            size = signer_encode(paa_str_of(header), token);
            size += (size_t)snprintf(token + size, 16, ".!!!."); /* a payload that is none */
            memset(token + size, 'A', rows[i].characters - 1 + more);
            token[size + rows[i].characters - 1 + more] = '\0';
            check_form(&j, rows[i].alg, token, more == 1 ? JWT_BASE64 : JWT_SIGNATURE_SIZE);
        }
    strcpy(token, "eyJhbGciOiJSUzI1NiJ9.!!!.AAAA");
    check_form(&j, "RS256, three bytes", token, JWT_SIGNATURE_SIZE);
    strcpy(token, "eyJhbGciOiJSUzI1NiJ9.!!!.");
    check_form(&j, "RS256, none", token, JWT_SIGNATURE_SIZE);
    judging_done(&j);
}

/* ---- signatures -------------------------------------------------------------------------------- */

struct forged {
    const char *name;
    const char *header;
    enum jose_alg signs;
    enum signature signature;
};

static const struct forged forged[] = {
    { "RS256 by its key", HEADER, ALG_RS256, SIGNATURE_GOOD },
    { "PS512 by its key", "{\"alg\":\"PS512\",\"typ\":\"at+jwt\",\"kid\":\"rsa\"}", ALG_PS512,
      SIGNATURE_GOOD },
    { "ES256 by its key", "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"p256\"}", ALG_ES256,
      SIGNATURE_GOOD },
    { "ES512 by its key", "{\"alg\":\"ES512\",\"typ\":\"at+jwt\",\"kid\":\"p521\"}", ALG_ES512,
      SIGNATURE_GOOD },
    { "EdDSA by its key", "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"ed\"}", ALG_ED25519,
      SIGNATURE_GOOD },
    { "Ed25519 by its key", "{\"alg\":\"Ed25519\",\"typ\":\"at+jwt\",\"kid\":\"ed\"}", ALG_ED25519,
      SIGNATURE_GOOD },
    { "PS256 by a key bound to it", "{\"alg\":\"PS256\",\"typ\":\"at+jwt\",\"kid\":\"bound\"}",
      ALG_PS256, SIGNATURE_GOOD },
    { "RS256 by a key bound to PS256", "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"bound\"}",
      ALG_RS256, SIGNATURE_NO_KEY },
    { "no kid: any key of that type", "{\"alg\":\"ES256\",\"typ\":\"at+jwt\"}", ALG_ES256,
      SIGNATURE_GOOD },
    { "an unknown kid", "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"RSA\"}", ALG_RS256,
      SIGNATURE_NO_KEY },
    { "the kid of a key of another type", "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"p256\"}",
      ALG_RS256, SIGNATURE_NO_KEY },
    { "the kid of another curve", "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"p521\"}",
      ALG_ES256, SIGNATURE_NO_KEY },
    { "says PS256, signed by RS256", "{\"alg\":\"PS256\",\"typ\":\"at+jwt\",\"kid\":\"rsa\"}",
      ALG_RS256, SIGNATURE_BAD },
    { "says RS256, signed by PS256", HEADER, ALG_PS256, SIGNATURE_BAD },
    { "says RS512, signed by RS256", "{\"alg\":\"RS512\",\"typ\":\"at+jwt\",\"kid\":\"rsa\"}",
      ALG_RS256, SIGNATURE_BAD },
    { "says RS256, signed by RS384", HEADER, ALG_RS384, SIGNATURE_BAD },
    { "says PS384, signed by PS256", "{\"alg\":\"PS384\",\"typ\":\"at+jwt\",\"kid\":\"rsa\"}",
      ALG_PS256, SIGNATURE_BAD },
    { "says EdDSA, signed by ES256", "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"ed\"}",
      ALG_ES256, SIGNATURE_BAD },
    { "says ES256, signed by Ed25519", "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"p256\"}",
      ALG_ED25519, SIGNATURE_BAD },
};

TEST(a_signature_is_good_under_its_own_key_and_algorithm_only)
{
    struct judging j;

    judging_init(&j, JWT_RFC9068);
    for (size_t i = 0; i < sizeof forged / sizeof forged[0]; i++) {
        size_t size =
            signer_token(paa_str_of(forged[i].header), STR(GOOD), forged[i].signs, NULL, token);
        enum signature signature;
        struct jwt_finding found = judging_token(&j, paa_str_of_n(token, size), &signature);

        if (found.verdict != JWT_GOOD || signature != forged[i].signature)
            TEST_FAIL("%s: %s, signature %d", forged[i].name, jwt_reason(found.verdict),
                      (int)signature);
    }
    judging_done(&j);
}

TEST(a_signature_by_another_key_of_the_same_type_is_bad)
{
    EVP_PKEY *other = EVP_EC_gen("P-256");
    enum signature signature;
    struct judging j;
    size_t size = signer_token(STR("{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"p256\"}"),
                               STR(GOOD), ALG_ES256, other, token);

    judging_init(&j, JWT_RFC9068);
    CHECK_INT(judging_token(&j, paa_str_of_n(token, size), &signature).verdict, JWT_GOOD);
    CHECK_INT(signature, SIGNATURE_BAD);
    judging_done(&j);
    EVP_PKEY_free(other);
}

TEST(every_part_of_a_token_is_under_its_signature)
{
    enum signature signature;
    struct judging j;
    size_t size = good_token(), good = 0;

    judging_init(&j, JWT_RFC9068);
    for (size_t i = 0; i < size; i += 3) {
        char was = token[i];

        if (was == '.')
            continue;
        token[i] = was == 'A' ? 'B' : 'A';
        if (judging_token(&j, paa_str_of_n(token, size), &signature).verdict == JWT_GOOD &&
            signature == SIGNATURE_GOOD)
            TEST_FAIL("character %zu may be changed", i);
        token[i] = was;
    }
    good += judging_token(&j, paa_str_of_n(token, size), &signature).verdict == JWT_GOOD;
    CHECK(good == 1 && signature == SIGNATURE_GOOD);
    judging_done(&j);
}

TEST(zeroes_in_place_of_a_signature_are_bad)
{
    enum signature signature;
    struct judging j;
    size_t size = good_token(), from = size;

    judging_init(&j, JWT_RFC9068);
    while (token[from - 1] != '.')
        from--;
    memset(token + from, 'A', size - from);
    CHECK_INT(judging_token(&j, paa_str_of_n(token, size), &signature).verdict, JWT_GOOD);
    CHECK_INT(signature, SIGNATURE_BAD);
    judging_done(&j);
}

/* Measured: this one opens three of the peers. The secret would be the public key's text. */
TEST(an_hs256_token_is_refused_wherever_public_keys_verify)
{
    struct judging j;
    enum signature signature;
    size_t size = signer_token(STR("{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"rsa\"}"),
                               STR(GOOD), ALG_HS256, NULL, token);

    judging_init(&j, JWT_RFC9068);
    CHECK_INT(judging_token(&j, paa_str_of_n(token, size), &signature).verdict, JWT_ALG);
    j.accept.algs |= ALGS_SECRET; /* even where the policy takes both: no public key verifies it */
    CHECK_INT(judging_token(&j, paa_str_of_n(token, size), &signature).verdict, JWT_GOOD);
    CHECK_INT(signature, SIGNATURE_NO_KEY);
    CHECK_INT(jws_verify(&j.lane, &j.set->keys[0], ALG_HS256, j.jwt.input, j.jwt.signature),
              JWS_WRONG_KEY);
    judging_done(&j);
}

/* ---- rules that fail closed -------------------------------------------------------------------- */

TEST(an_algorithm_that_is_not_allowed_is_refused)
{
    struct judging j;
    enum signature signature;
    size_t size = good_token();

    judging_init(&j, JWT_RFC9068);
    j.accept.algs = ALG_BIT(ALG_ES256) | ALG_BIT(ALG_PS256);
    CHECK_INT(judging_token(&j, paa_str_of_n(token, size), &signature).verdict, JWT_ALG);
    j.accept.algs = 0;
    CHECK_INT(judging_token(&j, paa_str_of_n(token, size), &signature).verdict, JWT_ALG);
    judging_done(&j);
}

TEST(rules_that_name_nothing_let_nothing_in)
{
    struct judging j;
    enum signature signature;
    size_t size = good_token();
    struct paa_str here = paa_str_of_n(token, size);

    judging_init(&j, JWT_RFC9068);
    j.rules.audience_count = 0;
    CHECK_INT(judging_token(&j, here, &signature).verdict, JWT_AUDIENCE);
    j.rules.any_audience = true;
    CHECK_INT(judging_token(&j, here, &signature).verdict, JWT_GOOD);
    j.rules.issuer = STR_NONE;
    CHECK_INT(judging_token(&j, here, &signature).verdict, JWT_ISSUER);
    j.rules.issuer = STR("");
    CHECK_INT(judging_token(&j, here, &signature).verdict, JWT_ISSUER);
    memset(&j.rules, 0, sizeof j.rules);
    CHECK(judging_token(&j, here, &signature).verdict != JWT_GOOD);
    judging_done(&j);
}

TEST(leeway_never_wraps_and_is_never_negative)
{
    static const struct {
        int64_t leeway_s;
        int64_t now_s;
        enum jwt_verdict verdict;
    } rows[] = {
        { INT64_MAX, INT64_MAX - 1, JWT_GOOD }, { 0, INT64_MAX, JWT_EXPIRED },
        { 60, INT64_MAX, JWT_EXPIRED },         { -1000, 1800000299, JWT_GOOD },
        { -1000, 1800000300, JWT_EXPIRED },     { 0, 1800000299, JWT_GOOD },
        { 0, 1800000300, JWT_EXPIRED },         { 0, 1799999989, JWT_FUTURE },
        { INT64_MAX, INT64_MIN, JWT_FUTURE },
    };
    struct judging j;
    enum signature signature;
    size_t size = good_token();

    judging_init(&j, JWT_RFC9068);
    REQUIRE(judging_token(&j, paa_str_of_n(token, size), &signature).verdict == JWT_GOOD);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        j.rules.leeway_s = rows[i].leeway_s;
        CHECK_INT(jwt_judge(&j.jwt, &j.rules, rows[i].now_s).verdict, rows[i].verdict);
    }
    judging_done(&j);
}

/* ---- what is read ------------------------------------------------------------------------------ */

#define RICH                                                                                       \
    "{\"iss\":\"" ISSUER "\",\"aud\":[\"orders\",\"b\\u00e9\"],\"sub\":\"s\",\"client_id\":\"c\"," \
    "\"azp\":\"z\",\"jti\":\"j\",\"exp\":1800000300,\"iat\":1799999990,\"nbf\":5,\"auth_time\":7." \
    "9,"                                                                                           \
    "\"scope\":[\"read\",\"write:\\/x\"],\"acr\":\"2\",\"amr\":[\"pwd\",\"otp\"],\"sid\":\"S\","   \
    "\"cnf\":{\"x5t#S256\":\"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dgw\","                       \
    "\"jkt\":\"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I\"},\"tenant\":\"t\"}"

static void check_rich(const struct jwt *jwt)
{
    CHECK_STR(jwt->texts[JWT_T_KID], "rsa");
    CHECK_STR(jwt->texts[JWT_T_ISS], ISSUER);
    CHECK_STR(jwt->texts[JWT_T_AUD], "orders\nb\xc3\xa9");
    CHECK_STR(jwt->texts[JWT_T_SUB], "s");
    CHECK_STR(jwt->texts[JWT_T_CLIENT_ID], "c");
    CHECK_STR(jwt->texts[JWT_T_AZP], "z");
    CHECK_STR(jwt->texts[JWT_T_SCOPE], "read write:/x");
    CHECK_STR(jwt->texts[JWT_T_ACR], "2");
    CHECK_STR(jwt->texts[JWT_T_AMR], "pwd otp");
    CHECK_STR(jwt->texts[JWT_T_SID], "S");
    CHECK_STR(jwt->texts[JWT_T_X5T_S256], "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dgw");
    CHECK_STR(jwt->texts[JWT_T_JKT], "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    CHECK(jwt->texts[JWT_T_NONCE].data == NULL);
    CHECK_INT(jwt->times, 1u << JWT_EXP | 1u << JWT_IAT | 1u << JWT_NBF | 1u << JWT_AUTH_TIME);
    CHECK_INT(jwt->times_s[JWT_AUTH_TIME], 7);
    CHECK_INT(jwt->flags, JWT_HAS_CNF);
    CHECK_INT(jwt->alg, ALG_RS256);
}

TEST(claims_are_read_as_they_stand_and_can_be_kept)
{
    struct judging j;
    enum signature signature;
    struct jwt kept;
    void *memory;
    size_t size = signer_token(STR(HEADER), STR(RICH), ALG_RS256, NULL, token);

    judging_init(&j, JWT_RFC9068);
    REQUIRE(judging_token(&j, paa_str_of_n(token, size), &signature).verdict == JWT_GOOD);
    check_rich(&j.jwt);
    CHECK_STR(j.jwt.claims, RICH);
    CHECK_STR(json_member_str(&j.jwt.payload, 0, STR("tenant")), "t");
    memory = malloc(jwt_kept_size(&j.jwt));
    REQUIRE(memory != NULL);
    jwt_keep(&j.jwt, memory, &kept);
    free(j.memory);
    j.memory = NULL;
    check_rich(&kept);
    CHECK(kept.claims.data == NULL && kept.signature.data == NULL && kept.input.data == NULL);
    CHECK_INT(jwt_judge(&kept, &j.rules, NOW).verdict, JWT_GOOD);
    CHECK_INT(jwt_judge(&kept, &j.rules, NOW + 1000).verdict, JWT_EXPIRED);
    free(memory);
    judging_done(&j);
}

TEST(a_kept_token_shows_the_rules_own_issuer_and_audience_and_is_judged_as_before)
{
    static const struct paa_str joined = { "orders\nb\xc3\xa9", 10 }, other = { "invoices", 8 };
    struct judging j;
    enum signature signature;
    struct jwt kept, alone;
    size_t size = signer_token(STR(HEADER), STR(RICH), ALG_RS256, NULL, token);

    judging_init(&j, JWT_RFC9068);
    REQUIRE(judging_token(&j, paa_str_of_n(token, size), &signature).verdict == JWT_GOOD);
    kept = alone = j.jwt;
    jwt_share(&kept, &j.rules);
    CHECK(kept.texts[JWT_T_ISS].data == j.rules.issuer.data);
    CHECK(kept.texts[JWT_T_AUD].data == judging_audiences[1].data);
    CHECK_INT(jwt_judge(&kept, &j.rules, NOW).verdict, JWT_GOOD);
    CHECK_INT(jwt_judge(&kept, &j.rules, NOW + 1000).verdict, JWT_EXPIRED);
    j.rules.audiences = &joined; /* two audiences are not one whose name holds both */
    j.rules.audience_count = 1;
    jwt_share(&alone, &j.rules);
    CHECK(alone.texts[JWT_T_AUD].data == j.jwt.texts[JWT_T_AUD].data);
    CHECK_INT(jwt_judge(&alone, &j.rules, NOW).verdict, JWT_AUDIENCE);
    j.rules.audiences = &other;
    CHECK_INT(jwt_judge(&kept, &j.rules, NOW).verdict, JWT_AUDIENCE);
    judging_done(&j);
}

TEST(scope_may_be_called_scp_and_scope_comes_first)
{
    static const struct {
        const char *members;
        const char *scope; /* NULL: absent */
    } rows[] = {
        { "\"scope\":\"a b\"", "a b" },           { "\"scp\":\"a b\"", "a b" },
        { "\"scp\":[\"a\",\"b\"]", "a b" },       { "\"scope\":[]", "" },
        { "\"scp\":\"x\",\"scope\":\"a\"", "a" }, { "\"x\":1", NULL },
    };
    struct judging j;
    enum signature signature;
    char payload[512];

    judging_init(&j, JWT_LEGACY);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t size;

        snprintf(payload, sizeof payload,
                 "{\"iss\":\"" ISSUER "\",\"aud\":\"orders\",\"exp\":1800000300,%s}",
                 rows[i].members);
        size = signer_token(STR(HEADER), paa_str_of(payload), ALG_RS256, NULL, token);
        CHECK_INT(judging_token(&j, paa_str_of_n(token, size), &signature).verdict, JWT_GOOD);
        if (rows[i].scope == NULL)
            CHECK(j.jwt.texts[JWT_T_SCOPE].data == NULL);
        else
            CHECK_STR(j.jwt.texts[JWT_T_SCOPE], rows[i].scope);
    }
    judging_done(&j);
}

TEST(a_confirmation_that_cannot_be_checked_is_told)
{
    static const struct {
        const char *cnf;
        uint32_t flags;
    } rows[] = {
        { "{\"jkt\":\"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I\"}", JWT_HAS_CNF },
        { "{}", JWT_HAS_CNF | JWT_HAS_OTHER_CNF },
        { "{\"jwk\":{}}", JWT_HAS_CNF | JWT_HAS_OTHER_CNF },
        { "{\"kid\":\"x\"}", JWT_HAS_CNF | JWT_HAS_OTHER_CNF },
        { "{\"jkt\":\"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I\",\"x\":1}",
          JWT_HAS_CNF | JWT_HAS_OTHER_CNF },
        { "{\"X5T#S256\":\"x\"}", JWT_HAS_CNF | JWT_HAS_OTHER_CNF },
    };
    struct judging j;
    enum signature signature;
    char payload[512];

    judging_init(&j, JWT_LEGACY);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t size;

        snprintf(payload, sizeof payload,
                 "{\"iss\":\"" ISSUER "\",\"aud\":\"orders\",\"exp\":1800000300,\"cnf\":%s}",
                 rows[i].cnf);
        size = signer_token(STR(HEADER), paa_str_of(payload), ALG_RS256, NULL, token);
        CHECK_INT(judging_token(&j, paa_str_of_n(token, size), &signature).verdict, JWT_GOOD);
        CHECK_INT(j.jwt.flags, rows[i].flags);
    }
    judging_done(&j);
}

TEST(a_dpop_proof_brings_its_key)
{
    static const char header[] = "{\"alg\":\"ES256\",\"typ\":\"dpop+jwt\",\"jwk\":{";
    struct judging j;
    enum signature signature;
    char text[512];
    const char *why = "";
    struct jwk key;
    size_t size;

    judging_init(&j, JWT_LEGACY);
    snprintf(text, sizeof text, "%s%s}}", header, signer_p256);
    size = signer_token(paa_str_of(text),
                        STR("{\"htm\":\"POST\",\"htu\":\"https://a/b\",\"iat\":1,\"jti\":\"j\","
                            "\"ath\":\"x\",\"nonce\":\"n\"}"),
                        ALG_ES256, NULL, token);
    CHECK_INT(judging_token(&j, paa_str_of_n(token, size), &signature).verdict, JWT_EMBEDDED_KEY);
    j.accept.takes_jwk = true;
    CHECK_INT(judging_token(&j, paa_str_of_n(token, size), &signature).verdict, JWT_TYP);
    CHECK_STR(j.jwt.texts[JWT_T_HTM], "POST");
    CHECK_STR(j.jwt.texts[JWT_T_HTU], "https://a/b");
    CHECK_STR(j.jwt.texts[JWT_T_NONCE], "n");
    REQUIRE(jwk_read(&j.jwt.header, json_member(&j.jwt.header, 0, STR("jwk")), 0, &key, &why));
    CHECK_INT(jws_verify(&j.lane, &key, j.jwt.alg, j.jwt.input, j.jwt.signature), JWS_GOOD);
    jwk_done(&key);
    judging_done(&j);
}

TEST(each_verdict_has_a_word_and_a_sentence)
{
    char text[JWT_SENTENCE_SIZE];
    struct jwt_finding found = { .verdict = JWT_EXPIRED, .name = "exp" };

    jwt_sentence(&found, text);
    CHECK_STR(paa_str_of(text), "the token's \"exp\" is past");
    found = (struct jwt_finding){ .verdict = JWT_JSON, .name = "payload", .json = JSON_DUPLICATE };
    jwt_sentence(&found, text);
    CHECK_STR(paa_str_of(text), "the token's \"payload\" has a member twice");
    found = (struct jwt_finding){ .verdict = JWT_ENCRYPTED, .name = "token" };
    jwt_sentence(&found, text);
    CHECK_STR(paa_str_of(text), "the token is encrypted (JWE), which is not taken");
    for (int verdict = JWT_GOOD; verdict < JWT_VERDICTS; verdict++)
        CHECK(jwt_reason((enum jwt_verdict)verdict) != NULL);
    CHECK_STR(paa_str_of(jwt_reason((enum jwt_verdict)0)), "no-jwt");
}
