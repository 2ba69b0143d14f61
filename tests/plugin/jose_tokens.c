/* SPDX-License-Identifier: MIT */
/* Tokens that are properly signed and wrong all the same; each row is one, and its name says what is wrong. */
#include "judging.h"

#include "codec.h"

struct wrong {
    const char *name;
    const char *header;
    const char *payload;
    enum jwt_verdict verdict;
    const char *about;
};

#define HEADER               "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"rsa\"}"
#define HEADER_WITH(members) "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"rsa\"," members "}"
/* every claim that RFC 9068 requires, but for the ones named */
#define NO_TIMES                                                                                   \
    "\"iss\":\"" ISSUER "\",\"aud\":\"orders\",\"sub\":\"s\",\"client_id\":\"c\",\"jti\":\"j\""
#define TIMES          "\"exp\":1800000300,\"iat\":1799999990"
#define WITH(members)  "{" NO_TIMES "," TIMES "," members "}"
#define TIMED(members) "{" NO_TIMES "," members "}"
#define GOOD           "{" NO_TIMES "," TIMES "}"

static const struct wrong headers[] = {
    { "no alg", "{\"typ\":\"at+jwt\"}", GOOD, JWT_NO_ALG, "alg" },
    { "alg is a number", "{\"alg\":256,\"typ\":\"at+jwt\"}", GOOD, JWT_NO_ALG, "alg" },
    { "alg is null", "{\"alg\":null,\"typ\":\"at+jwt\"}", GOOD, JWT_NO_ALG, "alg" },
    { "alg is an array", "{\"alg\":[\"RS256\"],\"typ\":\"at+jwt\"}", GOOD, JWT_NO_ALG, "alg" },
    { "alg is empty", "{\"alg\":\"\",\"typ\":\"at+jwt\"}", GOOD, JWT_ALG, "alg" },
    { "alg none", "{\"alg\":\"none\",\"typ\":\"at+jwt\"}", GOOD, JWT_UNSIGNED, "alg" },
    { "alg None", "{\"alg\":\"None\",\"typ\":\"at+jwt\"}", GOOD, JWT_UNSIGNED, "alg" },
    { "alg NONE", "{\"alg\":\"NONE\",\"typ\":\"at+jwt\"}", GOOD, JWT_UNSIGNED, "alg" },
    { "alg nOnE", "{\"alg\":\"nOnE\",\"typ\":\"at+jwt\"}", GOOD, JWT_UNSIGNED, "alg" },
    { "alg none, escaped", "{\"alg\":\"\\u006eone\",\"typ\":\"at+jwt\"}", GOOD, JWT_UNSIGNED,
      "alg" },
    { "alg none with a blank", "{\"alg\":\"none \",\"typ\":\"at+jwt\"}", GOOD, JWT_ALG, "alg" },
    { "alg in small letters", "{\"alg\":\"rs256\",\"typ\":\"at+jwt\"}", GOOD, JWT_ALG, "alg" },
    { "alg with a blank", "{\"alg\":\"RS256 \",\"typ\":\"at+jwt\"}", GOOD, JWT_ALG, "alg" },
    { "alg RS1", "{\"alg\":\"RS1\",\"typ\":\"at+jwt\"}", GOOD, JWT_ALG, "alg" },
    { "alg ES256K", "{\"alg\":\"ES256K\",\"typ\":\"at+jwt\"}", GOOD, JWT_ALG, "alg" },
    { "alg Ed448", "{\"alg\":\"Ed448\",\"typ\":\"at+jwt\"}", GOOD, JWT_ALG, "alg" },
    { "alg RSA-OAEP", "{\"alg\":\"RSA-OAEP\",\"typ\":\"at+jwt\"}", GOOD, JWT_ALG, "alg" },
    { "alg dir", "{\"alg\":\"dir\",\"enc\":\"A128GCM\"}", GOOD, JWT_ALG, "alg" },
    { "alg HS256 where public keys verify", "{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", GOOD, JWT_ALG,
      "alg" },
    { "alg HS512 where public keys verify", "{\"alg\":\"HS512\",\"typ\":\"at+jwt\"}", GOOD, JWT_ALG,
      "alg" },
    { "alg twice", "{\"alg\":\"RS256\",\"alg\":\"RS256\",\"typ\":\"at+jwt\"}", GOOD, JWT_JSON,
      "header" },
    { "alg twice, once escaped", "{\"alg\":\"RS256\",\"\\u0061lg\":\"none\"}", GOOD, JWT_JSON,
      "header" },
    { "kid twice", HEADER_WITH("\"kid\":\"p256\""), GOOD, JWT_JSON, "header" },
    { "crit names exp", HEADER_WITH("\"crit\":[\"exp\"],\"exp\":1"), GOOD, JWT_CRITICAL, "crit" },
    { "crit names b64", HEADER_WITH("\"crit\":[\"b64\"],\"b64\":false"), GOOD, JWT_CRITICAL,
      "crit" },
    { "crit names something unknown", HEADER_WITH("\"crit\":[\"x\"],\"x\":1"), GOOD, JWT_CRITICAL,
      "crit" },
    { "crit is empty", HEADER_WITH("\"crit\":[]"), GOOD, JWT_CRITICAL, "crit" },
    { "crit is null", HEADER_WITH("\"crit\":null"), GOOD, JWT_CRITICAL, "crit" },
    { "crit is a string", HEADER_WITH("\"crit\":\"exp\""), GOOD, JWT_CRITICAL, "crit" },
    { "b64 false without crit", HEADER_WITH("\"b64\":false"), GOOD, JWT_NESTED, "b64" },
    { "b64 true", HEADER_WITH("\"b64\":true"), GOOD, JWT_NESTED, "b64" },
    { "zip", HEADER_WITH("\"zip\":\"DEF\""), GOOD, JWT_NESTED, "zip" },
    { "enc", HEADER_WITH("\"enc\":\"A128GCM\""), GOOD, JWT_NESTED, "enc" },
    { "cty JWT", HEADER_WITH("\"cty\":\"JWT\""), GOOD, JWT_NESTED, "cty" },
    { "cty jwt", HEADER_WITH("\"cty\":\"jwt\""), GOOD, JWT_NESTED, "cty" },
    { "cty application/jwt", HEADER_WITH("\"cty\":\"application/jwt\""), GOOD, JWT_NESTED, "cty" },
    { "cty is a number", HEADER_WITH("\"cty\":1"), GOOD, JWT_NESTED, "cty" },
    { "jwk", HEADER_WITH("\"jwk\":{\"kty\":\"oct\",\"k\":\"AA\"}"), GOOD, JWT_EMBEDDED_KEY, "jwk" },
    { "jwk is null", HEADER_WITH("\"jwk\":null"), GOOD, JWT_EMBEDDED_KEY, "jwk" },
    { "jku", HEADER_WITH("\"jku\":\"https://evil.example/keys\""), GOOD, JWT_EMBEDDED_KEY, "jku" },
    { "jku of the issuer", HEADER_WITH("\"jku\":\"" ISSUER "/keys\""), GOOD, JWT_EMBEDDED_KEY,
      "jku" },
    { "x5u", HEADER_WITH("\"x5u\":\"https://evil.example/cert\""), GOOD, JWT_EMBEDDED_KEY, "x5u" },
    { "x5c", HEADER_WITH("\"x5c\":[\"MIIB\"]"), GOOD, JWT_EMBEDDED_KEY, "x5c" },
    { "kid is a number", "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":1}", GOOD, JWT_TYPE,
      "kid" },
    { "kid is empty", "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"\"}", GOOD, JWT_TYPE,
      "kid" },
    { "kid with a line feed", "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"rsa\\n\"}", GOOD,
      JWT_TYPE, "kid" },
    { "kid is an array", "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":[\"rsa\"]}", GOOD, JWT_TYPE,
      "kid" },
    { "kid with NUL", "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"rsa\\u0000\"}", GOOD,
      JWT_JSON, "header" },
    { "typ is a number", "{\"alg\":\"RS256\",\"typ\":1,\"kid\":\"rsa\"}", GOOD, JWT_TYPE, "typ" },
    { "typ is empty", "{\"alg\":\"RS256\",\"typ\":\"\",\"kid\":\"rsa\"}", GOOD, JWT_TYPE, "typ" },
    { "no typ", "{\"alg\":\"RS256\",\"kid\":\"rsa\"}", GOOD, JWT_TYP, "typ" },
    { "typ JWT", "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"rsa\"}", GOOD, JWT_TYP, "typ" },
    { "typ dpop+jwt", "{\"alg\":\"RS256\",\"typ\":\"dpop+jwt\",\"kid\":\"rsa\"}", GOOD, JWT_TYP,
      "typ" },
    { "typ logout+jwt", "{\"alg\":\"RS256\",\"typ\":\"logout+jwt\",\"kid\":\"rsa\"}", GOOD, JWT_TYP,
      "typ" },
    { "typ at+jwt with a blank", "{\"alg\":\"RS256\",\"typ\":\"at+jwt \",\"kid\":\"rsa\"}", GOOD,
      JWT_TYP, "typ" },
    { "typ application/application/at+jwt",
      "{\"alg\":\"RS256\",\"typ\":\"application/application/at+jwt\"}", GOOD, JWT_TYP, "typ" },
    { "header is an array", "[\"RS256\"]", GOOD, JWT_JSON, "header" },
    { "header is a string", "\"RS256\"", GOOD, JWT_JSON, "header" },
    { "header is no JSON", "alg=RS256", GOOD, JWT_JSON, "header" },
    { "header with something behind it", HEADER "x", GOOD, JWT_JSON, "header" },
    { "header with a comment", "{/**/\"alg\":\"RS256\"}", GOOD, JWT_JSON, "header" },
    { "header is not UTF-8", HEADER_WITH("\"x\":\"\xff\""), GOOD, JWT_JSON, "header" },
    { "header is UTF-16", "{\\0\"\\0", GOOD, JWT_JSON, "header" },
    { "header of single quotes", "{'alg':'RS256'}", GOOD, JWT_JSON, "header" },
};

static const struct wrong claims[] = {
    { "no iss", HEADER,
      "{\"aud\":\"orders\",\"sub\":\"s\",\"client_id\":\"c\",\"jti\":\"j\"," TIMES "}", JWT_MISSING,
      "iss" },
    { "no aud", HEADER,
      "{\"iss\":\"" ISSUER "\",\"sub\":\"s\",\"client_id\":\"c\",\"jti\":\"j\"," TIMES "}",
      JWT_MISSING, "aud" },
    { "no sub", HEADER,
      "{\"iss\":\"" ISSUER "\",\"aud\":\"orders\",\"client_id\":\"c\",\"jti\":\"j\"," TIMES "}",
      JWT_MISSING, "sub" },
    { "no client_id", HEADER,
      "{\"iss\":\"" ISSUER "\",\"aud\":\"orders\",\"sub\":\"s\",\"jti\":\"j\"," TIMES "}",
      JWT_MISSING, "client_id" },
    { "azp in place of client_id", HEADER,
      "{\"iss\":\"" ISSUER "\",\"aud\":\"orders\",\"sub\":\"s\",\"azp\":\"c\",\"jti\":\"j\"," TIMES
      "}",
      JWT_MISSING, "client_id" },
    { "no jti", HEADER,
      "{\"iss\":\"" ISSUER "\",\"aud\":\"orders\",\"sub\":\"s\",\"client_id\":\"c\"," TIMES "}",
      JWT_MISSING, "jti" },
    { "no exp", HEADER, TIMED("\"iat\":1799999990"), JWT_MISSING, "exp" },
    { "no iat", HEADER, TIMED("\"exp\":1800000300"), JWT_MISSING, "iat" },
    { "no claim at all", HEADER, "{}", JWT_MISSING, "iss" },
    { "claims in other letters", HEADER, "{\"ISS\":\"" ISSUER "\",\"Exp\":1800000300}", JWT_MISSING,
      "iss" },
    { "claims one level down", HEADER, "{\"claims\":" GOOD "}", JWT_MISSING, "iss" },
    { "expired", HEADER, TIMED("\"exp\":1799999000,\"iat\":1799990000"), JWT_EXPIRED, "exp" },
    { "expired by leeway and nothing more", HEADER, TIMED("\"exp\":1799999940,\"iat\":1"),
      JWT_EXPIRED, "exp" },
    { "expired, exp a fraction", HEADER, TIMED("\"exp\":1799999940.999,\"iat\":1"), JWT_EXPIRED,
      "exp" },
    { "exp 0", HEADER, TIMED("\"exp\":0,\"iat\":0"), JWT_EXPIRED, "exp" },
    { "exp negative", HEADER, TIMED("\"exp\":-1,\"iat\":0"), JWT_EXPIRED, "exp" },
    { "exp below all numbers", HEADER, TIMED("\"exp\":-1e300,\"iat\":0"), JWT_EXPIRED, "exp" },
    { "exp a little below all numbers", HEADER, TIMED("\"exp\":-9223372036854775808,\"iat\":0"),
      JWT_EXPIRED, "exp" },
    { "exp too small for a second", HEADER, TIMED("\"exp\":1e-300,\"iat\":0"), JWT_EXPIRED, "exp" },
    { "exp in a string", HEADER, TIMED("\"exp\":\"1800000300\",\"iat\":1"), JWT_TYPE, "exp" },
    { "exp in a string, long past", HEADER, TIMED("\"exp\":\"1\",\"iat\":1"), JWT_TYPE, "exp" },
    { "exp null", HEADER, TIMED("\"exp\":null,\"iat\":1"), JWT_TYPE, "exp" },
    { "exp true", HEADER, TIMED("\"exp\":true,\"iat\":1"), JWT_TYPE, "exp" },
    { "exp an array", HEADER, TIMED("\"exp\":[1800000300],\"iat\":1"), JWT_TYPE, "exp" },
    { "exp an object", HEADER, TIMED("\"exp\":{},\"iat\":1"), JWT_TYPE, "exp" },
    { "exp a date", HEADER, TIMED("\"exp\":\"2099-01-01T00:00:00Z\",\"iat\":1"), JWT_TYPE, "exp" },
    { "exp hexadecimal", HEADER, TIMED("\"exp\":0x7fffffff,\"iat\":1"), JWT_JSON, "payload" },
    { "exp NaN", HEADER, TIMED("\"exp\":NaN,\"iat\":1"), JWT_JSON, "payload" },
    { "exp Infinity", HEADER, TIMED("\"exp\":Infinity,\"iat\":1"), JWT_JSON, "payload" },
    { "exp with a zero in front", HEADER, TIMED("\"exp\":01800000300,\"iat\":1"), JWT_JSON,
      "payload" },
    { "exp twice", HEADER, TIMED("\"exp\":1,\"exp\":1800000300,\"iat\":1"), JWT_JSON, "payload" },
    { "exp twice, once escaped", HEADER, TIMED("\"exp\":1,\"e\\u0078p\":1800000300,\"iat\":1"),
      JWT_JSON, "payload" },
    { "iss twice", HEADER, WITH("\"iss\":\"https://evil.example\""), JWT_JSON, "payload" },
    { "a claim that nobody reads, twice", HEADER, WITH("\"x\":1,\"x\":1"), JWT_JSON, "payload" },
    { "a member twice, deep inside", HEADER, WITH("\"x\":{\"y\":[{\"z\":1,\"z\":1}]}"), JWT_JSON,
      "payload" },
    { "nbf tomorrow", HEADER, WITH("\"nbf\":1800086400"), JWT_NOT_YET, "nbf" },
    { "nbf a second beyond leeway", HEADER, WITH("\"nbf\":1800000061"), JWT_NOT_YET, "nbf" },
    { "nbf beyond all numbers", HEADER, WITH("\"nbf\":1e300"), JWT_NOT_YET, "nbf" },
    { "nbf in a string", HEADER, WITH("\"nbf\":\"0\""), JWT_TYPE, "nbf" },
    { "nbf null", HEADER, WITH("\"nbf\":null"), JWT_TYPE, "nbf" },
    { "iat tomorrow", HEADER, TIMED("\"exp\":1900000000,\"iat\":1800086400"), JWT_FUTURE, "iat" },
    { "iat a second beyond leeway", HEADER, TIMED("\"exp\":1900000000,\"iat\":1800000061"),
      JWT_FUTURE, "iat" },
    { "iat in a string", HEADER, TIMED("\"exp\":1900000000,\"iat\":\"1\""), JWT_TYPE, "iat" },
    { "auth_time in a string", HEADER, WITH("\"auth_time\":\"1\""), JWT_TYPE, "auth_time" },
    { "another issuer", HEADER,
      "{\"iss\":\"https://"
      "evil.example\",\"aud\":\"orders\",\"sub\":\"s\",\"client_id\":\"c\",\"jti\":\"j\"," TIMES
      "}",
      JWT_ISSUER, "iss" },
    { "issuer with a slash behind", HEADER,
      "{\"iss\":\"" ISSUER
      "/\",\"aud\":\"orders\",\"sub\":\"s\",\"client_id\":\"c\",\"jti\":\"j\"," TIMES "}",
      JWT_ISSUER, "iss" },
    { "issuer in other letters", HEADER,
      "{\"iss\":\"https://"
      "ISSUER.example\",\"aud\":\"orders\",\"sub\":\"s\",\"client_id\":\"c\",\"jti\":\"j\"," TIMES
      "}",
      JWT_ISSUER, "iss" },
    { "issuer that begins alike", HEADER,
      "{\"iss\":\"" ISSUER
      ".evil.example\",\"aud\":\"orders\",\"sub\":\"s\",\"client_id\":\"c\",\"jti\":\"j\"," TIMES
      "}",
      JWT_ISSUER, "iss" },
    { "issuer that is shorter", HEADER,
      "{\"iss\":\"https://"
      "issuer\",\"aud\":\"orders\",\"sub\":\"s\",\"client_id\":\"c\",\"jti\":\"j\"," TIMES "}",
      JWT_ISSUER, "iss" },
    { "issuer over http", HEADER,
      "{\"iss\":\"http://"
      "issuer.example\",\"aud\":\"orders\",\"sub\":\"s\",\"client_id\":\"c\",\"jti\":\"j\"," TIMES
      "}",
      JWT_ISSUER, "iss" },
    { "issuer and NUL", HEADER, "{\"iss\":\"" ISSUER "\\u0000.evil.example\"}", JWT_JSON,
      "payload" },
    { "issuer is an array", HEADER, "{\"iss\":[\"" ISSUER "\"]," TIMES "}", JWT_TYPE, "iss" },
    { "issuer is empty", HEADER, "{\"iss\":\"\"," TIMES "}", JWT_TYPE, "iss" },
    { "issuer null", HEADER, "{\"iss\":null," TIMES "}", JWT_TYPE, "iss" },
    { "another audience", HEADER,
      "{\"iss\":\"" ISSUER
      "\",\"aud\":\"billing\",\"sub\":\"s\",\"client_id\":\"c\",\"jti\":\"j\"," TIMES "}",
      JWT_AUDIENCE, "aud" },
    { "audience in other letters", HEADER,
      "{\"iss\":\"" ISSUER
      "\",\"aud\":\"Orders\",\"sub\":\"s\",\"client_id\":\"c\",\"jti\":\"j\"," TIMES "}",
      JWT_AUDIENCE, "aud" },
    { "audience that begins alike", HEADER,
      "{\"iss\":\"" ISSUER
      "\",\"aud\":\"orders2\",\"sub\":\"s\",\"client_id\":\"c\",\"jti\":\"j\"," TIMES "}",
      JWT_AUDIENCE, "aud" },
    { "audiences, none of them ours", HEADER,
      "{\"iss\":\"" ISSUER
      "\",\"aud\":[\"a\",\"b\"],\"sub\":\"s\",\"client_id\":\"c\",\"jti\":\"j\"," TIMES "}",
      JWT_AUDIENCE, "aud" },
    { "audience is the client", HEADER,
      "{\"iss\":\"" ISSUER "\",\"aud\":\"c\",\"sub\":\"s\",\"client_id\":\"c\",\"jti\":\"j\"," TIMES
      "}",
      JWT_AUDIENCE, "aud" },
    { "audience of words, one of them ours", HEADER,
      "{\"iss\":\"" ISSUER
      "\",\"aud\":\"a orders\",\"sub\":\"s\",\"client_id\":\"c\",\"jti\":\"j\"," TIMES "}",
      JWT_AUDIENCE, "aud" },
    { "audience with a line feed before ours", HEADER,
      "{\"iss\":\"" ISSUER
      "\",\"aud\":\"a\\norders\",\"sub\":\"s\",\"client_id\":\"c\",\"jti\":\"j\"," TIMES "}",
      JWT_TYPE, "aud" },
    { "audiences, one with a line feed before ours", HEADER,
      "{\"iss\":\"" ISSUER
      "\",\"aud\":[\"a\\norders\"],\"sub\":\"s\",\"client_id\":\"c\",\"jti\":\"j\"," TIMES "}",
      JWT_TYPE, "aud" },
    { "audience is empty", HEADER, "{\"iss\":\"" ISSUER "\",\"aud\":\"\",\"sub\":\"s\"," TIMES "}",
      JWT_TYPE, "aud" },
    { "audiences are none", HEADER, "{\"iss\":\"" ISSUER "\",\"aud\":[],\"sub\":\"s\"," TIMES "}",
      JWT_MISSING, "aud" },
    { "audiences, one empty", HEADER,
      "{\"iss\":\"" ISSUER "\",\"aud\":[\"orders\",\"\"],\"sub\":\"s\"," TIMES "}", JWT_TYPE,
      "aud" },
    { "audiences, one a number", HEADER,
      "{\"iss\":\"" ISSUER "\",\"aud\":[\"orders\",1],\"sub\":\"s\"," TIMES "}", JWT_TYPE, "aud" },
    { "audiences in an array in an array", HEADER,
      "{\"iss\":\"" ISSUER "\",\"aud\":[[\"orders\"]],\"sub\":\"s\"," TIMES "}", JWT_TYPE, "aud" },
    { "audience is an object", HEADER,
      "{\"iss\":\"" ISSUER "\",\"aud\":{\"orders\":true},\"sub\":\"s\"," TIMES "}", JWT_TYPE,
      "aud" },
    { "audience null", HEADER, "{\"iss\":\"" ISSUER "\",\"aud\":null,\"sub\":\"s\"," TIMES "}",
      JWT_TYPE, "aud" },
    { "sub is a number", HEADER, "{\"iss\":\"" ISSUER "\",\"aud\":\"orders\",\"sub\":1," TIMES "}",
      JWT_TYPE, "sub" },
    { "sub is empty", HEADER, "{\"iss\":\"" ISSUER "\",\"aud\":\"orders\",\"sub\":\"\"," TIMES "}",
      JWT_TYPE, "sub" },
    { "sub with a line feed", HEADER,
      "{\"iss\":\"" ISSUER "\",\"aud\":\"orders\",\"sub\":\"a\\r\\nX-Role: admin\"," TIMES "}",
      JWT_TYPE, "sub" },
    { "client_id is a number", HEADER,
      "{\"iss\":\"" ISSUER "\",\"aud\":\"orders\",\"sub\":\"s\",\"client_id\":7," TIMES "}",
      JWT_TYPE, "client_id" },
    { "jti is a number", HEADER, "{" TIMES ",\"jti\":7}", JWT_TYPE, "jti" },
    { "scope is a number", HEADER, WITH("\"scope\":1"), JWT_TYPE, "scope" },
    { "scope is an object", HEADER, WITH("\"scope\":{}"), JWT_TYPE, "scope" },
    { "scopes, one with a blank", HEADER, WITH("\"scope\":[\"read admin\"]"), JWT_TYPE, "scope" },
    { "scopes, one a number", HEADER, WITH("\"scope\":[\"read\",1]"), JWT_TYPE, "scope" },
    { "scope with a tab", HEADER, WITH("\"scope\":\"read\\tadmin\""), JWT_TYPE, "scope" },
    { "scp is a number", HEADER, WITH("\"scp\":1"), JWT_TYPE, "scp" },
    { "scp, one with a blank", HEADER, WITH("\"scp\":[\"read admin\"]"), JWT_TYPE, "scp" },
    { "amr is a number", HEADER, WITH("\"amr\":1"), JWT_TYPE, "amr" },
    { "acr is a number", HEADER, WITH("\"acr\":1"), JWT_TYPE, "acr" },
    { "cnf is a string", HEADER, WITH("\"cnf\":\"x\""), JWT_TYPE, "cnf" },
    { "cnf is null", HEADER, WITH("\"cnf\":null"), JWT_TYPE, "cnf" },
    { "cnf is an array", HEADER, WITH("\"cnf\":[]"), JWT_TYPE, "cnf" },
    { "cnf twice", HEADER, WITH("\"cnf\":{},\"cnf\":{}"), JWT_JSON, "payload" },
    { "x5t#S256 is no digest", HEADER, WITH("\"cnf\":{\"x5t#S256\":\"abc\"}"), JWT_TYPE, "cnf" },
    { "x5t#S256 is empty", HEADER, WITH("\"cnf\":{\"x5t#S256\":\"\"}"), JWT_TYPE, "cnf" },
    { "x5t#S256 is null", HEADER, WITH("\"cnf\":{\"x5t#S256\":null}"), JWT_TYPE, "cnf" },
    { "x5t#S256 with padding", HEADER,
      WITH("\"cnf\":{\"x5t#S256\":\"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2=\"}"), JWT_TYPE,
      "cnf" },
    { "x5t#S256 not canonical", HEADER,
      WITH("\"cnf\":{\"x5t#S256\":\"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg3\"}"), JWT_TYPE,
      "cnf" },
    { "jkt is a number", HEADER, WITH("\"cnf\":{\"jkt\":1}"), JWT_TYPE, "cnf" },
    { "events: a logout token", HEADER, WITH("\"events\":{}"), JWT_KIND, "events" },
    { "typ ID in the claims", HEADER, WITH("\"typ\":\"ID\""), JWT_KIND, "typ" },
    { "typ Refresh in the claims", HEADER, WITH("\"typ\":\"Refresh\""), JWT_KIND, "typ" },
    { "token_use id", HEADER, WITH("\"token_use\":\"id\""), JWT_KIND, "typ" },
    { "payload is an array", HEADER, "[" GOOD "]", JWT_JSON, "payload" },
    { "payload is a string", HEADER, "\"x\"", JWT_JSON, "payload" },
    { "payload is null", HEADER, "null", JWT_JSON, "payload" },
    { "payload is no JSON", HEADER, "iss=x", JWT_JSON, "payload" },
    { "payload with something behind it", HEADER, GOOD "{}", JWT_JSON, "payload" },
    { "payload is not UTF-8", HEADER, WITH("\"x\":\"\xc0\xaf\""), JWT_JSON, "payload" },
    { "half a surrogate pair", HEADER, WITH("\"x\":\"\\ud800\""), JWT_JSON, "payload" },
    { "payload begins with a byte order mark", HEADER, "\xef\xbb\xbf" GOOD, JWT_JSON, "payload" },
    { "payload is not closed", HEADER, "{" NO_TIMES "," TIMES, JWT_JSON, "payload" },
    { "payload too deep", HEADER,
      WITH(
          "\"x\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"),
      JWT_JSON, "payload" },
};

static void check_rows(enum jwt_profile profile, const struct wrong *rows, size_t count)
{
    static char token[SIGNER_TOKEN_MAX];
    EVP_PKEY *key = signer_key(KEY_RSA);
    struct judging j;

    judging_init(&j, profile);
    for (size_t i = 0; i < count; i++) {
        size_t size = signer_token(paa_str_of(rows[i].header), paa_str_of(rows[i].payload),
                                   ALG_RS256, key, token);
        enum signature signature;
        struct jwt_finding found = judging_token(&j, paa_str_of_n(token, size), &signature);

        if (found.verdict != rows[i].verdict || strcmp(found.name, rows[i].about) != 0)
            TEST_FAIL("%s: %s of %s (%d), not %d of %s", rows[i].name, jwt_reason(found.verdict),
                      found.name, (int)found.verdict, (int)rows[i].verdict, rows[i].about);
        if (found.verdict != JWT_GOOD && signature != SIGNATURE_UNASKED)
            TEST_FAIL("%s: its signature was looked at", rows[i].name);
        if (found.verdict == JWT_GOOD && signature != SIGNATURE_GOOD)
            TEST_FAIL("%s: its signature is not good", rows[i].name);
    }
    judging_done(&j);
    EVP_PKEY_free(key);
}

TEST(wrong_headers_are_refused_before_public_key_work)
{
    check_rows(JWT_RFC9068, headers, sizeof headers / sizeof headers[0]);
}

TEST(wrong_claims_are_refused_before_public_key_work)
{
    check_rows(JWT_RFC9068, claims, sizeof claims / sizeof claims[0]);
}

static const struct wrong good[] = {
    { "plain", HEADER, GOOD, JWT_GOOD, "token" },
    { "typ AT+JWT", "{\"alg\":\"RS256\",\"typ\":\"AT+JWT\",\"kid\":\"rsa\"}", GOOD, JWT_GOOD,
      "token" },
    { "typ application/at+jwt",
      "{\"alg\":\"RS256\",\"typ\":\"application/at+jwt\",\"kid\":\"rsa\"}", GOOD, JWT_GOOD,
      "token" },
    { "no kid", "{\"alg\":\"RS256\",\"typ\":\"at+jwt\"}", GOOD, JWT_GOOD, "token" },
    { "blanks in the header", " { \"alg\" : \"RS256\" ,\r\n\t\"typ\" : \"at+jwt\" } ", GOOD,
      JWT_GOOD, "token" },
    { "x5t in the header", HEADER_WITH("\"x5t\":\"abc\",\"x5t#S256\":\"abc\""), GOOD, JWT_GOOD,
      "token" },
    { "cty of JSON", HEADER_WITH("\"cty\":\"json\""), GOOD, JWT_GOOD, "token" },
    { "audiences, one of them ours", HEADER,
      "{\"iss\":\"" ISSUER
      "\",\"aud\":[\"a\",\"orders\"],\"sub\":\"s\",\"client_id\":\"c\",\"jti\":\"j\"," TIMES "}",
      JWT_GOOD, "token" },
    { "our other audience", HEADER,
      "{\"iss\":\"" ISSUER "\",\"aud\":\"https:\\/\\/"
      "api.example\",\"sub\":\"s\",\"client_id\":\"c\",\"jti\":\"j\"," TIMES "}",
      JWT_GOOD, "token" },
    { "the issuer escaped", HEADER,
      "{\"iss\":\"https:\\/\\/"
      "issuer\\u002eexample\",\"aud\":\"orders\",\"sub\":\"s\",\"client_id\":\"c\",\"jti\":"
      "\"j\"," TIMES "}",
      JWT_GOOD, "token" },
    { "expired, within leeway", HEADER, TIMED("\"exp\":1799999941,\"iat\":1"), JWT_GOOD, "token" },
    { "exp a fraction", HEADER, TIMED("\"exp\":1800000300.5,\"iat\":1.5"), JWT_GOOD, "token" },
    { "exp with an exponent", HEADER, TIMED("\"exp\":1.9e9,\"iat\":1"), JWT_GOOD, "token" },
    { "exp beyond all numbers", HEADER, TIMED("\"exp\":1e300,\"iat\":1"), JWT_GOOD, "token" },
    { "exp the largest number", HEADER, TIMED("\"exp\":9223372036854775807,\"iat\":1"), JWT_GOOD,
      "token" },
    { "nbf within leeway", HEADER, WITH("\"nbf\":1800000060"), JWT_GOOD, "token" },
    { "nbf below all numbers", HEADER, WITH("\"nbf\":-1e300"), JWT_GOOD, "token" },
    { "iat within leeway", HEADER, TIMED("\"exp\":1900000000,\"iat\":1800000060"), JWT_GOOD,
      "token" },
    { "scope is empty", HEADER, WITH("\"scope\":\"\""), JWT_GOOD, "token" },
    { "typ Bearer in the claims", HEADER, WITH("\"typ\":\"Bearer\""), JWT_GOOD, "token" },
    { "claims that nobody reads", HEADER,
      WITH("\"\":1,\"x\":{\"y\":[1,2.5,null]},\"roles\":[\"\xc3\xa9\"]"), JWT_GOOD, "token" },
};

TEST(good_tokens_are_good)
{
    check_rows(JWT_RFC9068, good, sizeof good / sizeof good[0]);
}

#define LEGACY        "{\"iss\":\"" ISSUER "\",\"aud\":\"orders\",\"exp\":1800000300}"
#define LEGACY_HEADER "{\"alg\":\"RS256\",\"kid\":\"rsa\"}"

static const struct wrong legacy[] = {
    { "iss, aud and exp", LEGACY_HEADER, LEGACY, JWT_GOOD, "token" },
    { "typ JWT", "{\"alg\":\"RS256\",\"typ\":\"JWT\"}", LEGACY, JWT_GOOD, "token" },
    { "typ jwt", "{\"alg\":\"RS256\",\"typ\":\"jwt\"}", LEGACY, JWT_GOOD, "token" },
    { "typ application/jwt", "{\"alg\":\"RS256\",\"typ\":\"application/jwt\"}", LEGACY, JWT_GOOD,
      "token" },
    { "typ at+jwt", HEADER, LEGACY, JWT_GOOD, "token" },
    { "typ dpop+jwt", "{\"alg\":\"RS256\",\"typ\":\"dpop+jwt\"}", LEGACY, JWT_TYP, "typ" },
    { "typ logout+jwt", "{\"alg\":\"RS256\",\"typ\":\"logout+jwt\"}", LEGACY, JWT_TYP, "typ" },
    { "typ secevent+jwt", "{\"alg\":\"RS256\",\"typ\":\"secevent+jwt\"}", LEGACY, JWT_TYP, "typ" },
    { "at_hash: an ID token", LEGACY_HEADER,
      "{\"iss\":\"" ISSUER "\",\"aud\":\"orders\",\"exp\":1800000300,\"at_hash\":\"x\"}", JWT_KIND,
      "at_hash" },
    { "no exp", LEGACY_HEADER, "{\"iss\":\"" ISSUER "\",\"aud\":\"orders\"}", JWT_MISSING, "exp" },
    { "no aud", LEGACY_HEADER, "{\"iss\":\"" ISSUER "\",\"exp\":1800000300}", JWT_MISSING, "aud" },
    { "no iss", LEGACY_HEADER, "{\"aud\":\"orders\",\"exp\":1800000300}", JWT_MISSING, "iss" },
    { "expired", LEGACY_HEADER, "{\"iss\":\"" ISSUER "\",\"aud\":\"orders\",\"exp\":1}",
      JWT_EXPIRED, "exp" },
    { "nbf tomorrow", LEGACY_HEADER,
      "{\"iss\":\"" ISSUER "\",\"aud\":\"orders\",\"exp\":1900000000,\"nbf\":1800086400}",
      JWT_NOT_YET, "nbf" },
    { "crit", "{\"alg\":\"RS256\",\"crit\":[\"x\"],\"x\":1}", LEGACY, JWT_CRITICAL, "crit" },
};

TEST(the_legacy_profile_asks_for_less_and_still_for_an_access_token)
{
    check_rows(JWT_LEGACY, legacy, sizeof legacy / sizeof legacy[0]);
}
