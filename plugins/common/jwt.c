/* SPDX-License-Identifier: MIT */
/* A token's form and its header (jwt.h). */
#include "jwt.h"

#include "codec.h"
#include "jwt_inner.h"

enum { PARTS = 3, JWE_PARTS = 5, HEADER_NODES_MAX = 64 };

/* ---- three parts ------------------------------------------------------------------------------- */

static unsigned count_parts(struct paa_str token)
{
    unsigned count = 1;

    for (size_t at = 0; (at = str_find(token, '.', at)) < token.size; at++)
        count++;
    return count;
}

struct jwt_finding jwt_split(struct paa_str token, struct jwt_parts *ret_parts)
{
    size_t first, second;
    unsigned count;

    if (token.size > JWT_TEXT_MAX)
        return jwt_found(JWT_TOO_LARGE, "token");
    first = str_find(token, '.', 0);
    second = str_find(token, '.', first < token.size ? first + 1 : first);
    count = second < token.size ? count_parts(token) : 0;
    if (count != PARTS)
        return jwt_found(count == JWE_PARTS ? JWT_ENCRYPTED : JWT_NO_JWT, "token");
    ret_parts->header = str_slice(token, 0, first);
    ret_parts->payload = str_slice(token, first + 1, second);
    ret_parts->signature = str_slice(token, second + 1, token.size);
    ret_parts->input = str_slice(token, 0, second);
    if (ret_parts->header.size > JWT_HEADER_MAX)
        return jwt_found(JWT_TOO_LARGE, "header");
    if (ret_parts->header.size == 0 || ret_parts->payload.size == 0)
        return jwt_found(JWT_NO_JWT, "token");
    return jwt_found(JWT_GOOD, "token");
}

/* ---- memory ------------------------------------------------------------------------------------ */

/* header, payload and signature decoded; header and payload again for strings with escapes; payload once more
 * for arrays that are joined. */
size_t jwt_memory(const struct jwt_parts *parts)
{
    return 2 * BASE64URL_DECODED_MAX(parts->header.size) +
           3 * BASE64URL_DECODED_MAX(parts->payload.size) +
           BASE64URL_DECODED_MAX(parts->signature.size);
}

static bool decode(char **at, struct paa_str part, struct paa_str *ret_text)
{
    size_t size;

    if (!base64url_decode(part, (unsigned char *)*at, &size))
        return false;
    *ret_text = paa_str_of_n(*at, size);
    *at += size;
    return true;
}

/* ---- header ------------------------------------------------------------------------------------ */

bool jwt_text(const struct json_tree *tree, uint32_t node, struct paa_str *ret_text)
{
    struct paa_str text = json_str_of(tree, node);

    if (text.size == 0)
        return false;
    if ((tree->nodes[node].flags & JSON_IN_SPARE) != 0)
        for (size_t i = 0; i < text.size; i++)
            if ((unsigned char)text.data[i] < 0x20)
                return false;
    *ret_text = text;
    return true;
}

static bool is_there(const struct json_tree *tree, const char *name)
{
    return json_member(tree, 0, paa_str_of(name)) != JSON_NONE;
}

/* The first of the names that the header has; NULL: none. */
static const char *first_there(const struct json_tree *tree, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (is_there(tree, names[i]))
            return names[i];
    return NULL;
}

static struct jwt_finding check_alg(const struct json_tree *header, uint32_t algs, struct jwt *jwt)
{
    struct paa_str name = json_member_str(header, 0, STR("alg"));

    if (name.data == NULL)
        return jwt_found(JWT_NO_ALG, "alg");
    if (str_eq_nocase(name, STR("none")))
        return jwt_found(JWT_UNSIGNED, "alg");
    jwt->alg = alg_of(name);
    if (jwt->alg == 0 || (algs & ALG_BIT(jwt->alg)) == 0)
        return jwt_found(JWT_ALG, "alg");
    return jwt_found(JWT_GOOD, "alg");
}

/* Where the payload would be something else than claims. A cty of another kind than JWT says nothing new. */
static const char *nesting(const struct json_tree *header)
{
    static const char *const names[] = { "zip", "enc", "b64" };
    uint32_t cty = json_member(header, 0, STR("cty"));
    struct paa_str type = json_str_of(header, cty);

    if (cty != JSON_NONE && (type.data == NULL || str_eq_nocase(type, STR("JWT")) ||
                             str_eq_nocase(type, STR("application/jwt"))))
        return "cty";
    return first_there(header, names, sizeof names / sizeof names[0]);
}

static struct jwt_finding check_header_text(const struct json_tree *header, const char *name,
                                            size_t max, struct paa_str *ret_text)
{
    uint32_t node = json_member(header, 0, paa_str_of(name));

    if (node != JSON_NONE && (!jwt_text(header, node, ret_text) || ret_text->size > max))
        return jwt_found(JWT_TYPE, name);
    return jwt_found(JWT_GOOD, name);
}

static enum jwt_typ typ_of(struct paa_str text)
{
    static const struct {
        struct paa_str word;
        enum jwt_typ typ;
    } known[] = { { { "at+jwt", 6 }, JWT_TYP_ACCESS },
                  { { "JWT", 3 }, JWT_TYP_JWT },
                  { { "logout+jwt", 10 }, JWT_TYP_LOGOUT } };
    const struct paa_str prefix = STR("application/");

    if (text.data == NULL)
        return JWT_TYP_NONE;
    if (str_starts_nocase(text, prefix))
        text = str_slice(text, prefix.size, text.size);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (str_eq_nocase(text, known[i].word))
            return known[i].typ;
    return JWT_TYP_OTHER;
}

static struct jwt_finding check_header(const struct jwt_accept *accept, struct jwt *jwt)
{
    static const char *const references[] = { "jku", "x5u", "x5c" };
    const struct json_tree *header = &jwt->header;
    const char *name;
    struct jwt_finding found;

    if (is_there(header, "crit"))
        return jwt_found(JWT_CRITICAL, "crit");
    found = check_alg(header, accept->algs, jwt);
    if (found.verdict != JWT_GOOD)
        return found;
    name = first_there(header, references, sizeof references / sizeof references[0]);
    if (name != NULL)
        return jwt_found(JWT_EMBEDDED_KEY, name);
    if (is_there(header, "jwk") && !accept->takes_jwk)
        return jwt_found(JWT_EMBEDDED_KEY, "jwk");
    name = nesting(header);
    if (name != NULL)
        return jwt_found(JWT_NESTED, name);
    found = check_header_text(header, "typ", JWT_KID_MAX, &jwt->texts[JWT_T_TYP]);
    if (found.verdict != JWT_GOOD)
        return found;
    jwt->typ = typ_of(jwt->texts[JWT_T_TYP]);
    return check_header_text(header, "kid", JWT_KID_MAX, &jwt->texts[JWT_T_KID]);
}

/* Where the algorithm alone fixes it: then nothing more is read of what is no signature. */
static bool signature_size_fits(enum jose_alg alg, size_t characters)
{
    switch (alg_row(alg)->key) {
    case KEY_P256:
    case KEY_ED25519:
        return characters == BASE64URL_SIZE(64);
    case KEY_P384:
        return characters == BASE64URL_SIZE(96);
    case KEY_P521:
        return characters == BASE64URL_SIZE(132);
    case KEY_SECRET:
        return characters == BASE64URL_SIZE(alg_row(alg)->hash_size);
    case KEY_RSA:
    default:
        return characters >= BASE64URL_SIZE(256) && characters <= BASE64URL_SIZE(1024);
    }
}

/* ---- the whole --------------------------------------------------------------------------------- */

static struct jwt_finding json_found(enum json_verdict verdict, const char *name)
{
    return (struct jwt_finding){ .verdict = JWT_JSON, .name = name, .json = verdict };
}

static struct jwt_finding read_header(const struct jwt_parts *parts, char **at,
                                      struct jwt_scratch *scratch, const struct jwt_accept *accept,
                                      struct jwt *jwt)
{
    struct paa_str text;
    struct jwt_finding found;
    enum json_verdict verdict;
    char *spare;

    if (!decode(at, parts->header, &text))
        return jwt_found(JWT_BASE64, "header");
    spare = *at;
    *at += text.size;
    verdict = json_tree_read(&jwt->header, text, spare, scratch->nodes, HEADER_NODES_MAX);
    if (verdict != JSON_READ)
        return json_found(verdict, "header");
    found = check_header(accept, jwt);
    if (found.verdict == JWT_GOOD && !signature_size_fits(jwt->alg, parts->signature.size))
        return jwt_found(JWT_SIGNATURE_SIZE, "signature");
    return found;
}

struct jwt_finding jwt_read(const struct jwt_parts *parts, void *memory,
                            struct jwt_scratch *scratch, const struct jwt_accept *accept,
                            struct jwt *ret_jwt)
{
    struct jwt_finding found;
    enum json_verdict verdict;
    struct paa_str signature;
    char *at = memory;

    memset(ret_jwt, 0, sizeof *ret_jwt);
    ret_jwt->input = parts->input;
    found = read_header(parts, &at, scratch, accept, ret_jwt);
    if (found.verdict != JWT_GOOD)
        return found;
    if (!decode(&at, parts->signature, &signature))
        return jwt_found(JWT_BASE64, "signature");
    if (!decode(&at, parts->payload, &ret_jwt->claims))
        return jwt_found(JWT_BASE64, "payload");
    ret_jwt->signature = paa_bytes_of(signature.data, signature.size);
    verdict = json_tree_read(&ret_jwt->payload, ret_jwt->claims, at,
                             scratch->nodes + ret_jwt->header.count,
                             JWT_NODES_MAX - ret_jwt->header.count);
    if (verdict != JSON_READ)
        return json_found(verdict, "payload");
    return jwt_claims_read(ret_jwt, false, at + ret_jwt->claims.size);
}

struct jwt_finding jwt_read_claims(struct paa_str text, void *memory, struct jwt_scratch *scratch,
                                   struct jwt *ret_jwt)
{
    enum json_verdict verdict;
    char *spare = memory;

    memset(ret_jwt, 0, sizeof *ret_jwt);
    ret_jwt->claims = text;
    verdict = json_tree_read(&ret_jwt->payload, text, spare, scratch->nodes, JWT_NODES_MAX);
    if (verdict != JSON_READ)
        return json_found(verdict, "token");
    return jwt_claims_read(ret_jwt, true, spare + text.size);
}

/* ---- keeping ----------------------------------------------------------------------------------- */

size_t jwt_kept_size(const struct jwt *jwt)
{
    size_t size = 0;

    for (size_t i = 0; i < JWT_T_COUNT; i++)
        size += jwt->texts[i].size;
    return size;
}

void jwt_keep(const struct jwt *jwt, void *memory, struct jwt *ret_jwt)
{
    char *at = memory;

    *ret_jwt = *jwt;
    ret_jwt->claims = STR_NONE;
    ret_jwt->signature = BYTES_NONE;
    ret_jwt->input = STR_NONE;
    memset(&ret_jwt->header, 0, sizeof ret_jwt->header);
    memset(&ret_jwt->payload, 0, sizeof ret_jwt->payload);
    for (size_t i = 0; i < JWT_T_COUNT; i++) {
        if (jwt->texts[i].data == NULL)
            continue;
        if (jwt->texts[i].size > 0)
            memcpy(at, jwt->texts[i].data, jwt->texts[i].size);
        ret_jwt->texts[i].data = at;
        at += jwt->texts[i].size;
    }
}
