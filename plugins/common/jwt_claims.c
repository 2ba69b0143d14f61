/* SPDX-License-Identifier: MIT */
/* A token's claims, each of the type that it must be (jwt.h). What they say is jwt_judge.c's. */
#include "jwt_inner.h"

#include "codec.h"
#include "hint.h"

enum { THUMBPRINT_TEXT_SIZE = 43, THUMBPRINT_SIZE = 32, TYPE_WORDS = 4 };

enum claim_kind {
    CLAIM_TEXT = 1, /* a string, not empty */
    CLAIM_MAY_BE_EMPTY,
    CLAIM_WORDS,    /* a string, or an array of strings without blanks, joined by a space */
    CLAIM_SCP,      /* what some issuers call the scope: as CLAIM_WORDS, unless there is a scope */
    CLAIM_AUDIENCE, /* a string, or an array of them, parted by "\n" */
    CLAIM_TIME,
    CLAIM_CNF,
    CLAIM_EVENTS,
    CLAIM_KIND /* what some issuers say of a token's kind in its claims */
};

struct claim_row {
    struct paa_str name;
    enum claim_kind kind;
    unsigned index; /* enum jwt_text or jwt_time */
};

/* Names lead to their rows by three of their letters and their size. If two rows come to the same place, the compiler
 * says so (an initializer is overridden): look for other factors then. */
enum { SLOTS = 64 };
#define SLOT(first, middle, last, size) ((2 * (first) + (middle) + 55 * (last) + (size)) % SLOTS)

static const struct claim_row rows[SLOTS] = {
    [SLOT('i', 's', 's', 3)] = { { "iss", 3 }, CLAIM_TEXT, JWT_T_ISS },
    [SLOT('s', 'u', 'b', 3)] = { { "sub", 3 }, CLAIM_TEXT, JWT_T_SUB },
    [SLOT('a', 'u', 'd', 3)] = { { "aud", 3 }, CLAIM_AUDIENCE, JWT_T_AUD },
    [SLOT('e', 'x', 'p', 3)] = { { "exp", 3 }, CLAIM_TIME, JWT_EXP },
    [SLOT('i', 'a', 't', 3)] = { { "iat", 3 }, CLAIM_TIME, JWT_IAT },
    [SLOT('n', 'b', 'f', 3)] = { { "nbf", 3 }, CLAIM_TIME, JWT_NBF },
    [SLOT('j', 't', 'i', 3)] = { { "jti", 3 }, CLAIM_TEXT, JWT_T_JTI },
    [SLOT('c', 'n', 'd', 9)] = { { "client_id", 9 }, CLAIM_TEXT, JWT_T_CLIENT_ID },
    [SLOT('a', 'z', 'p', 3)] = { { "azp", 3 }, CLAIM_TEXT, JWT_T_AZP },
    [SLOT('s', 'o', 'e', 5)] = { { "scope", 5 }, CLAIM_WORDS, JWT_T_SCOPE },
    [SLOT('s', 'c', 'p', 3)] = { { "scp", 3 }, CLAIM_SCP, JWT_T_SCOPE },
    [SLOT('a', '_', 'e', 9)] = { { "auth_time", 9 }, CLAIM_TIME, JWT_AUTH_TIME },
    [SLOT('a', 'c', 'r', 3)] = { { "acr", 3 }, CLAIM_MAY_BE_EMPTY, JWT_T_ACR },
    [SLOT('a', 'm', 'r', 3)] = { { "amr", 3 }, CLAIM_WORDS, JWT_T_AMR },
    [SLOT('c', 'n', 'f', 3)] = { { "cnf", 3 }, CLAIM_CNF, 0 },
    [SLOT('s', 'i', 'd', 3)] = { { "sid", 3 }, CLAIM_TEXT, JWT_T_SID },
    [SLOT('n', 'n', 'e', 5)] = { { "nonce", 5 }, CLAIM_MAY_BE_EMPTY, JWT_T_NONCE },
    [SLOT('a', 'h', 'h', 7)] = { { "at_hash", 7 }, CLAIM_TEXT, JWT_T_AT_HASH },
    [SLOT('h', 't', 'm', 3)] = { { "htm", 3 }, CLAIM_TEXT, JWT_T_HTM },
    [SLOT('h', 't', 'u', 3)] = { { "htu", 3 }, CLAIM_TEXT, JWT_T_HTU },
    [SLOT('a', 't', 'h', 3)] = { { "ath", 3 }, CLAIM_TEXT, JWT_T_ATH },
    [SLOT('e', 'n', 's', 6)] = { { "events", 6 }, CLAIM_EVENTS, 0 },
    [SLOT('t', 'y', 'p', 3)] = { { "typ", 3 }, CLAIM_KIND, 0 },
    [SLOT('t', 'n', 'e', 9)] = { { "token_use", 9 }, CLAIM_KIND, 0 },
};

/* ---- lists ------------------------------------------------------------------------------------- */

/* Joined at *lists; each element a text, and without the blank that would make two of it. */
static bool read_array(const struct json_tree *tree, uint32_t node, char part, char **lists,
                       struct paa_str *ret_list)
{
    char *from = *lists, *at = from;
    struct paa_str text;

    for (uint32_t i = json_first(tree, node); i != JSON_NONE; i = json_next(tree, node, i)) {
        if (!jwt_text(tree, i, &text) || str_find(text, part, 0) < text.size)
            return false;
        if (at > from)
            *at++ = part;
        memcpy(at, text.data, text.size);
        at += text.size;
    }
    *lists = at;
    *ret_list = paa_str_of_n(from, (size_t)(at - from));
    return true;
}

static bool may_be_empty(const struct json_tree *tree, uint32_t node, struct paa_str *ret_text)
{
    struct paa_str text = json_str_of(tree, node);

    if (text.data == NULL || text.size > 0)
        return jwt_text(tree, node, ret_text);
    *ret_text = text;
    return true;
}

/* An empty list of audiences is none. */
static bool read_list(const struct json_tree *tree, uint32_t node, enum claim_kind kind,
                      char **lists, struct paa_str *ret_list)
{
    bool is_audience = kind == CLAIM_AUDIENCE;

    if (json_type_of(tree, node) != JSON_NODE_ARRAY)
        return is_audience ? jwt_text(tree, node, ret_list) : may_be_empty(tree, node, ret_list);
    if (is_audience && json_first(tree, node) == JSON_NONE)
        return true;
    return read_array(tree, node, is_audience ? '\n' : ' ', lists, ret_list);
}

/* ---- confirmation ------------------------------------------------------------------------------ */

static bool read_thumbprint(const struct json_tree *tree, uint32_t node, struct paa_str *ret_text)
{
    unsigned char bytes[BASE64URL_DECODED_MAX(THUMBPRINT_TEXT_SIZE)];
    size_t size;

    *ret_text = json_str_of(tree, node);
    return ret_text->size == THUMBPRINT_TEXT_SIZE && base64url_decode(*ret_text, bytes, &size) &&
           size == THUMBPRINT_SIZE;
}

/* RFC 7800 3.1, RFC 8705 3.1, RFC 9449 6.1. A method that is not known here binds all the same. */
static bool read_cnf(struct jwt *jwt, uint32_t node)
{
    const struct json_tree *tree = &jwt->payload;
    uint32_t first = json_first(tree, node);

    if (json_type_of(tree, node) != JSON_NODE_OBJECT)
        return false;
    jwt->flags |= first != JSON_NONE ? JWT_HAS_CNF : JWT_HAS_CNF | JWT_HAS_OTHER_CNF;
    for (uint32_t i = first; i != JSON_NONE; i = json_next(tree, node, i)) {
        struct paa_str name = json_str_of(tree, i);
        struct paa_str *text = paa_str_eq(name, "x5t#S256") ? &jwt->texts[JWT_T_X5T_S256]
                               : paa_str_eq(name, "jkt")    ? &jwt->texts[JWT_T_JKT]
                                                            : NULL;

        if (text == NULL)
            jwt->flags |= JWT_HAS_OTHER_CNF;
        else if (!read_thumbprint(tree, i + 1, text))
            return false;
    }
    return true;
}

/* ---- the rest ---------------------------------------------------------------------------------- */

/* Keycloak's typ, Cognito's token_use: no standard, so other values and types are nobody's business here. */
static void read_kind(struct jwt *jwt, uint32_t node)
{
    static const char *const words[TYPE_WORDS] = { "id", "refresh", "offline", "logout" };
    struct paa_str text = json_str_of(&jwt->payload, node);

    for (size_t i = 0; i < TYPE_WORDS; i++)
        if (str_eq_nocase(text, paa_str_of(words[i])))
            jwt->flags |= JWT_IS_NO_ACCESS;
}

/* In any order: "scope" counts where both are. */
static bool read_scp(struct jwt *jwt, uint32_t node, char **lists)
{
    struct paa_str *scope = &jwt->texts[JWT_T_SCOPE];
    struct paa_str scp;

    if (!read_list(&jwt->payload, node, CLAIM_WORDS, lists, &scp))
        return false;
    if (scope->data == NULL)
        *scope = scp;
    return true;
}

static bool read_time(struct jwt *jwt, uint32_t node, unsigned index)
{
    jwt->times |= 1u << index;
    return json_seconds_of(&jwt->payload, node, &jwt->times_s[index]);
}

static bool read_claim(struct jwt *jwt, const struct claim_row *row, uint32_t node, char **lists)
{
    const struct json_tree *tree = &jwt->payload;

    switch (row->kind) {
    case CLAIM_TEXT:
        return jwt_text(tree, node, &jwt->texts[row->index]);
    case CLAIM_MAY_BE_EMPTY:
        return may_be_empty(tree, node, &jwt->texts[row->index]);
    case CLAIM_WORDS:
    case CLAIM_AUDIENCE:
        return read_list(tree, node, row->kind, lists, &jwt->texts[row->index]);
    case CLAIM_SCP:
        return read_scp(jwt, node, lists);
    case CLAIM_TIME:
        return read_time(jwt, node, row->index);
    case CLAIM_CNF:
        return read_cnf(jwt, node);
    case CLAIM_EVENTS:
        jwt->flags |= JWT_HAS_EVENTS;
        return true;
    case CLAIM_KIND:
    default:
        read_kind(jwt, node);
        return true;
    }
}

static const struct claim_row *row_of(struct paa_str name)
{
    const unsigned char *letters = (const unsigned char *)name.data;
    const struct claim_row *row;

    if (name.size == 0)
        return NULL;
    row = &rows[SLOT(letters[0], letters[name.size / 2], letters[name.size - 1], (int)name.size)];
    return str_eq(row->name, name) ? row : NULL;
}

static bool is_nothing(const struct json_tree *tree, uint32_t node)
{
    enum json_type type = json_type_of(tree, node);

    return type == JSON_NODE_NULL ||
           (type == JSON_NODE_STRING && json_str_of(tree, node).size == 0) ||
           (type == JSON_NODE_ARRAY && json_first(tree, node) == JSON_NONE);
}

static bool read_told(struct jwt *jwt, const struct claim_row *row, uint32_t node, char **lists)
{
    if (is_nothing(&jwt->payload, node) || read_claim(jwt, row, node, lists))
        return true;
    if (row->kind != CLAIM_CNF)
        return false;
    jwt->flags |= JWT_HAS_CNF | JWT_HAS_OTHER_CNF;
    return true;
}

struct jwt_finding jwt_claims_read(struct jwt *jwt, bool is_told, char *lists)
{
    const struct json_tree *tree = &jwt->payload;

    for (uint32_t i = json_first(tree, 0); i != JSON_NONE; i = json_next(tree, 0, i)) {
        struct paa_str name = json_str_of(tree, i);
        const struct claim_row *row = row_of(name);

        if (row != NULL && !(UNLIKELY(is_told) ? read_told(jwt, row, i + 1, &lists)
                                               : read_claim(jwt, row, i + 1, &lists)))
            return jwt_found(JWT_TYPE, row->name.data);
    }
    return jwt_found(JWT_GOOD, "token");
}
