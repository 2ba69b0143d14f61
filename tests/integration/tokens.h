/* SPDX-License-Identifier: MIT */
/*
 * Access tokens and DPoP proofs for tests through the engine: signed with the keys that the RFCs print (plugin/signer.h),
 * claims as a test wants them. Knows the policy's issuer and audience, and no plugin.
 */
#ifndef TESTS_TOKENS_H
#define TESTS_TOKENS_H

#include "host.h"
#include "jwk.h"
#include "plugin/signer.h"

#define TOKEN_ISSUER   "https://id.example.com"
#define TOKEN_AUDIENCE "https://api.example.com"
#define TOKEN_SET      "jwks"
#define JWKS_OPTIONS                                                                               \
    "issuer = \"" TOKEN_ISSUER "\"; audience = \"" TOKEN_AUDIENCE "\"; jwks_file = \"" TOKEN_SET   \
    "\"; "
#define TOKENS(options)                                                                            \
    POLICY("tokens = { plugin = \"oauth2-cc\"; " options " };\n",                                  \
           API("rules = ( { path = \"/**\"; chain = ( { required = \"tokens\" } ); } );"))

enum { TOKEN_CLAIMS_MAX = 24, TOKEN_FIELD_MAX = SIGNER_TOKEN_MAX + 16 };

/* ---- files --------------------------------------------------------------------------------------- */

static inline bool tokens_write(const struct host *host, const char *name, const char *text)
{
    char path[HOST_PATH_MAX + 32], temporary[HOST_PATH_MAX + 40];
    FILE *file;
    bool is_done;

    (void)snprintf(path, sizeof path, "%s/%s", host->folder, name);
    (void)snprintf(temporary, sizeof temporary, "%s.new", path);
    file = fopen(temporary, "w");
    if (file == NULL)
        return false;
    (void)fchmod(fileno(file), 0600);
    is_done = fputs(text, file) >= 0;
    return fclose(file) == 0 && is_done && rename(temporary, path) == 0;
}

/* "rsa", "p256" and "ed"; without the one that was withdrawn. */
static inline const char *tokens_set(const char *withdrawn)
{
    static char text[8192];
    const char *const names[] = { "rsa", "p256", "ed" };
    const char *const keys[] = { signer_rsa, signer_p256, signer_ed25519 };
    size_t at = (size_t)snprintf(text, sizeof text, "{\"keys\":[");

    for (size_t i = 0; i < 3; i++)
        if (strcmp(names[i], withdrawn) != 0)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s{\"kid\":\"%s\",%s}",
                                   text[at - 1] == '[' ? "" : ",", names[i], keys[i]);
    (void)snprintf(text + at, sizeof text - at, "]}");
    return text;
}

static inline bool tokens_open(struct host *host, const char *policy)
{
    struct paa_context_options options;

    if (!host_init(host) || !host_write(host, policy) ||
        !tokens_write(host, TOKEN_SET, tokens_set("")))
        return false;
    host_options(host, &options);
    options.log_level = PAA_LEVEL_NOTICE;
    return host_open_with(host, &options);
}

/* ---- tokens -------------------------------------------------------------------------------------- */

struct token_claims {
    const char *names[TOKEN_CLAIMS_MAX];
    char values[TOKEN_CLAIMS_MAX][512];
    size_t count;
};

/* Adds it or replaces it; value NULL: it is left out. */
static inline void claims_set(struct token_claims *claims, const char *name, const char *value)
{
    size_t i = 0;

    while (i < claims->count && strcmp(claims->names[i], name) != 0)
        i++;
    if (i == claims->count)
        claims->count++;
    claims->names[i] = name;
    (void)snprintf(claims->values[i], sizeof claims->values[i], "%s", value != NULL ? value : "");
}

static inline void claims_set_int(struct token_claims *claims, const char *name, int64_t value)
{
    char text[32];

    (void)snprintf(text, sizeof text, "%lld", (long long)value);
    claims_set(claims, name, text);
}

/* What RFC 9068 wants, of a machine. */
static inline void claims_init(struct token_claims *claims)
{
    memset(claims, 0, sizeof *claims);
    claims_set(claims, "iss", "\"" TOKEN_ISSUER "\"");
    claims_set(claims, "aud", "[\"other\",\"" TOKEN_AUDIENCE "\"]");
    claims_set(claims, "sub", "\"robot\"");
    claims_set(claims, "client_id", "\"robot\"");
    claims_set(claims, "scope", "\"orders:read orders:write\"");
    claims_set(claims, "jti", "\"id-1\"");
    claims_set_int(claims, "iat", HOST_TIME_S - 10);
    claims_set_int(claims, "exp", HOST_TIME_S + 600);
}

static inline size_t claims_write(const struct token_claims *claims, char *text, size_t size)
{
    size_t at = (size_t)snprintf(text, size, "{");

    for (size_t i = 0; i < claims->count; i++)
        if (claims->values[i][0] != '\0')
            at += (size_t)snprintf(text + at, size - at, "%s\"%s\":%s",
                                   text[at - 1] == '{' ? "" : ",", claims->names[i],
                                   claims->values[i]);
    return at + (size_t)snprintf(text + at, size - at, "}");
}

/* header: its members but alg. key NULL: the RFC's of that algorithm. */
static inline void token_sign(const struct token_claims *claims, const char *header,
                              enum jose_alg alg, EVP_PKEY *key, char ret_token[SIGNER_TOKEN_MAX])
{
    char payload[8192], full[4096];
    size_t size = claims_write(claims, payload, sizeof payload);

    if (snprintf(full, sizeof full, "{\"alg\":\"%.*s\"%s%s}", (int)alg_row(alg)->name.size,
                 alg_row(alg)->name.data, header[0] != '\0' ? "," : "", header) >= (int)sizeof full)
        abort();
    ret_token[signer_token(paa_str_of(full), paa_str_of_n(payload, size), alg, key, ret_token)] =
        '\0';
}

/* ---- asking -------------------------------------------------------------------------------------- */

/* "Authorization: SCHEME token", and a second field if not NULL. The caller ends it. */
static inline struct paa_txn *token_ask(struct host *host, const char *scheme, const char *token,
                                        const char *second, enum paa_state *ret_state)
{
    static _Thread_local char line[TOKEN_FIELD_MAX + 32];

    (void)snprintf(line, sizeof line, "Authorization: %s %s", scheme, token);
    return txn_of(host, ret_state, "GET", "/orders?x=1", line, second, NULL);
}

/* The status, and why: "good", or the reason of the step "tokens". */
static inline unsigned token_code(struct host *host, const char *scheme, const char *token,
                                  const char *second, char ret_reason[64])
{
    enum paa_state state;
    struct paa_txn *txn = token_ask(host, scheme, token, second, &state);
    const struct paa_step *step = paa_txn_step(txn, 0);
    unsigned code = txn_code(state, txn);

    (void)snprintf(ret_reason, 64, "%s", state == PAA_TXN_ALLOW ? "good" : "");
    if (step != NULL && step->reason.size > 0 && state != PAA_TXN_ALLOW)
        (void)snprintf(ret_reason, 64, "%.*s", (int)step->reason.size, step->reason.data);
    paa_txn_end(&txn);
    return code;
}

#define CHECK_TOKEN(host, token, code, why)                                                        \
    do {                                                                                           \
        char check_reason[64];                                                                     \
        CHECK_INT(token_code(host, "Bearer", token, NULL, check_reason), code);                    \
        CHECK_STR(paa_str_of(check_reason), why);                                                  \
    } while (0)

/* One that is good in every way. */
static inline void sign_good(char token[SIGNER_TOKEN_MAX])
{
    struct token_claims claims;

    claims_init(&claims);
    token_sign(&claims, "\"typ\":\"at+jwt\",\"kid\":\"p256\"", ALG_ES256, NULL, token);
}

#endif
