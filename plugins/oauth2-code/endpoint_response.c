/* SPDX-License-Identifier: MIT */
/* From JSON to what a login goes on with. */
#include "endpoint_response.h"

#include "authorization.h"
#include "oauth_metadata.h"
#include "str.h"

enum { CODE_OK = 200, CODE_CREATED = 201 };

static enum token_answer malformed(struct token_response *refusal, const char *why)
{
    refusal->why = why;
    return TOKEN_MALFORMED;
}

/* An error is an error, whichever endpoint says it (RFC 6749 5.2). */
static enum token_answer read_refusal(uint32_t code, struct paa_str media_type,
                                      struct paa_bytes body, struct token_memory *memory,
                                      struct token_response *refusal)
{
    enum token_answer answer = token_response_read(code, media_type, body, memory, refusal);

    return answer != TOKEN_GIVEN ? answer : malformed(refusal, "is no such response");
}

static bool read_object(struct paa_str media_type, struct paa_bytes body,
                        struct token_memory *memory, struct json_tree *ret_tree,
                        struct token_response *refusal)
{
    struct paa_str text = paa_str_of_n((const char *)body.data, body.size);
    enum json_verdict verdict;

    if (!media_type_is_json(media_type)) {
        refusal->why = "is not application/json";
        return false;
    }
    verdict = json_tree_read(ret_tree, text, memory->spare, memory->nodes, TOKEN_NODES_MAX);
    if (verdict != JSON_READ)
        refusal->why = json_verdict_text(verdict);
    return verdict == JSON_READ;
}

static bool is_visible(struct paa_str text, size_t max)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] <= ' ' || text.data[i] >= 0x7f)
            return false;
    return text.size > 0 && text.size <= max;
}

/* ---- device authorization ----------------------------------------------------------------------- */

/* What people are told and sent to: nothing that a terminal would act on, and no other scheme. */
static bool is_page(struct paa_str url)
{
    return oauth_url_valid(url, false) && authorization_url_valid(url);
}

static bool is_user_code(struct paa_str code)
{
    for (size_t i = 0; i < code.size; i++)
        if (code.data[i] < ' ' || code.data[i] >= 0x7f)
            return false;
    return code.size > 0 && code.size <= DEVICE_USER_CODE_MAX;
}

static bool read_seconds(const struct json_tree *tree, struct paa_str name, int64_t max,
                         int64_t *ret_seconds)
{
    uint32_t node = json_member(tree, 0, name);

    if (node == JSON_NONE || json_type_of(tree, node) == JSON_NODE_NULL)
        return true;
    if (!json_seconds_of(tree, node, ret_seconds) || *ret_seconds <= 0)
        return false;
    if (*ret_seconds > max)
        *ret_seconds = max;
    return true;
}

static enum token_answer read_device(const struct json_tree *tree, struct device_response *response)
{
    response->device_code = json_member_str(tree, 0, STR("device_code"));
    response->user_code = json_member_str(tree, 0, STR("user_code"));
    response->uri = json_member_str(tree, 0, STR("verification_uri"));
    response->uri_complete = json_member_str(tree, 0, STR("verification_uri_complete"));
    response->interval_s = DEVICE_INTERVAL_S;
    if (!is_visible(response->device_code, TOKEN_TEXT_MAX))
        return malformed(&response->refusal, "has no \"device_code\"");
    if (!is_user_code(response->user_code))
        return malformed(&response->refusal, "has no \"user_code\" that could be shown");
    if (!is_page(response->uri))
        return malformed(&response->refusal, "has no \"verification_uri\" of https");
    if (response->uri_complete.data != NULL && !is_page(response->uri_complete))
        return malformed(&response->refusal,
                         "has a \"verification_uri_complete\" that is no URL of https");
    if (!read_seconds(tree, STR("expires_in"), DEVICE_EXPIRES_MAX_S, &response->expires_in_s) ||
        response->expires_in_s == 0)
        return malformed(&response->refusal, "has no \"expires_in\" above 0");
    if (!read_seconds(tree, STR("interval"), DEVICE_INTERVAL_MAX_S, &response->interval_s))
        return malformed(&response->refusal, "has an \"interval\" that is no number above 0");
    return TOKEN_GIVEN;
}

enum token_answer device_response_read(uint32_t code, struct paa_str media_type,
                                       struct paa_bytes body, struct token_memory *memory,
                                       struct device_response *ret_response)
{
    struct json_tree tree;

    memset(ret_response, 0, sizeof *ret_response);
    if (code != CODE_OK)
        return read_refusal(code, media_type, body, memory, &ret_response->refusal);
    if (!read_object(media_type, body, memory, &tree, &ret_response->refusal))
        return TOKEN_MALFORMED;
    return read_device(&tree, ret_response);
}

/* ---- pushed authorization requests -------------------------------------------------------------- */

enum token_answer pushed_response_read(uint32_t code, struct paa_str media_type,
                                       struct paa_bytes body, struct token_memory *memory,
                                       struct pushed_response *ret_response)
{
    struct json_tree tree;

    memset(ret_response, 0, sizeof *ret_response);
    if (code != CODE_CREATED && code != CODE_OK)
        return read_refusal(code, media_type, body, memory, &ret_response->refusal);
    if (!read_object(media_type, body, memory, &tree, &ret_response->refusal))
        return TOKEN_MALFORMED;
    ret_response->request_uri = json_member_str(&tree, 0, STR("request_uri"));
    return is_visible(ret_response->request_uri, PUSHED_URI_MAX)
               ? TOKEN_GIVEN
               : malformed(&ret_response->refusal, "has no \"request_uri\"");
}
