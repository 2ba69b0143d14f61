/* SPDX-License-Identifier: MIT */
/* From JSON to a token, or to why there is none. */
#include "token_response.h"

#include "json.h"
#include "str.h"

enum { CODE_OK = 200, CODE_MANY = 429, CODE_BROKEN = 500 };

bool media_type_is_json(struct paa_str media_type)
{
    struct paa_str type = str_trim(str_slice(media_type, 0, str_find(media_type, ';', 0)));

    return str_eq_nocase(type, STR("application/json"));
}

static enum token_answer malformed(struct token_response *response, const char *why)
{
    response->why = why;
    return TOKEN_MALFORMED;
}

/* ---- members ---------------------------------------------------------------------------------- */

/* Visible ASCII: what a header field can carry (RFC 6749 A.12 without the blank). */
static bool is_token_text(struct paa_str s)
{
    for (size_t i = 0; i < s.size; i++)
        if (s.data[i] <= ' ' || s.data[i] >= 0x7f)
            return false;
    return s.size > 0 && s.size <= TOKEN_TEXT_MAX;
}

/* scope-token of RFC 6749 3.3, parted by blanks; RFC 6749 5.2 uses the same letters. */
static bool is_scope_text(struct paa_str s, size_t max)
{
    for (size_t i = 0; i < s.size; i++)
        if (s.data[i] < ' ' || s.data[i] >= 0x7f || s.data[i] == '"' || s.data[i] == '\\')
            return false;
    return s.size <= max;
}

/* Absent if it is not there, or null. False: it is no string. */
static bool read_text(const struct json_tree *tree, struct paa_str name, struct paa_str *ret_text)
{
    uint32_t node = json_member(tree, 0, name);

    *ret_text = STR_NONE;
    if (node == JSON_NONE || json_type_of(tree, node) == JSON_NODE_NULL)
        return true;
    *ret_text = json_str_of(tree, node);
    return ret_text->data != NULL;
}

static bool read_expiry(const struct json_tree *tree, int64_t *ret_expires_in_s)
{
    uint32_t node = json_member(tree, 0, STR("expires_in"));

    *ret_expires_in_s = -1;
    if (node == JSON_NONE || json_type_of(tree, node) == JSON_NODE_NULL)
        return true;
    if (!json_seconds_of(tree, node, ret_expires_in_s) || *ret_expires_in_s <= 0)
        return false;
    if (*ret_expires_in_s > TOKEN_EXPIRES_MAX)
        *ret_expires_in_s = TOKEN_EXPIRES_MAX;
    return true;
}

static bool read_type(const struct json_tree *tree, enum token_type *ret_type)
{
    struct paa_str type = json_member_str(tree, 0, STR("token_type"));

    if (str_eq_nocase(type, STR("Bearer")))
        *ret_type = TOKEN_BEARER;
    else if (str_eq_nocase(type, STR("DPoP")))
        *ret_type = TOKEN_DPOP;
    else
        return false;
    return true;
}

/* ---- the two kinds of response ---------------------------------------------------------------- */

static enum token_answer read_success(const struct json_tree *tree, struct token_response *response)
{
    response->access_token = json_member_str(tree, 0, STR("access_token"));
    if (!is_token_text(response->access_token))
        return malformed(response, "has no \"access_token\" that a header field could carry");
    if (!read_type(tree, &response->type))
        return malformed(response, "has a \"token_type\" that is neither Bearer nor DPoP");
    if (!read_expiry(tree, &response->expires_in_s))
        return malformed(response, "has an \"expires_in\" that is no number of seconds above 0");
    if (!read_text(tree, STR("scope"), &response->scope) ||
        !is_scope_text(response->scope, TOKEN_SCOPE_MAX))
        return malformed(response, "has a \"scope\" that is none");
    if (!read_text(tree, STR("refresh_token"), &response->refresh_token) ||
        (response->refresh_token.data != NULL && !is_token_text(response->refresh_token)))
        return malformed(response, "has a \"refresh_token\" that is none");
    if (!read_text(tree, STR("id_token"), &response->id_token) ||
        (response->id_token.data != NULL && !is_token_text(response->id_token)))
        return malformed(response, "has an \"id_token\" that is none");
    return TOKEN_GIVEN;
}

static bool says_later(struct paa_str error)
{
    return paa_str_eq(error, "temporarily_unavailable") || paa_str_eq(error, "server_error");
}

static enum token_answer read_error(const struct json_tree *tree, struct token_response *response)
{
    response->error = json_member_str(tree, 0, STR("error"));
    if (response->error.size == 0 || !is_scope_text(response->error, TOKEN_ERROR_MAX)) {
        response->error = STR_NONE;
        return malformed(response, "is an error without an \"error\" word");
    }
    response->description = json_member_str(tree, 0, STR("error_description"));
    return says_later(response->error) ? TOKEN_TROUBLE : TOKEN_REFUSED;
}

static enum token_answer read_body(uint32_t code, struct paa_str media_type, struct paa_bytes body,
                                   struct token_memory *memory, struct token_response *response)
{
    struct paa_str text = paa_str_of_n((const char *)body.data, body.size);
    struct json_tree tree;
    enum json_verdict verdict;

    if (!media_type_is_json(media_type))
        return malformed(response, "is not application/json");
    if (body.size == 0)
        return malformed(response, "is empty");
    verdict = json_tree_read(&tree, text, memory->spare, memory->nodes, TOKEN_NODES_MAX);
    if (verdict != JSON_READ)
        return malformed(response, json_verdict_text(verdict));
    return code == CODE_OK ? read_success(&tree, response) : read_error(&tree, response);
}

enum token_answer token_response_read(uint32_t code, struct paa_str media_type,
                                      struct paa_bytes body, struct token_memory *memory,
                                      struct token_response *ret_response)
{
    enum token_answer answer;

    memset(ret_response, 0, sizeof *ret_response);
    ret_response->expires_in_s = -1;
    if (code >= 300 && code < 400)
        return malformed(ret_response, "is a redirect, which is not followed");
    answer = read_body(code, media_type, body, memory, ret_response);
    return code >= CODE_BROKEN || code == CODE_MANY ? TOKEN_TROUBLE : answer;
}

/* ---- words ------------------------------------------------------------------------------------ */

void token_told(struct buf *buf, struct paa_str text)
{
    text_escape(buf, str_slice(text, 0, TOKEN_TOLD_MAX));
    if (text.size > TOKEN_TOLD_MAX)
        buf_add_text(buf, "...");
}

bool token_scope_valid(struct paa_str scope)
{
    return is_scope_text(scope, SIZE_MAX);
}

bool token_scope_covers(struct paa_str granted, struct paa_str asked)
{
    struct paa_str word;

    while (str_next(&asked, " ", &word))
        if (!str_has_word(granted, word))
            return false;
    return true;
}
