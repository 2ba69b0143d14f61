/* SPDX-License-Identifier: MIT */
#include "spiffe.h"

#include "str.h"

#define SCHEME "spiffe://"

static bool is_small(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

bool spiffe_is_domain(struct paa_str text)
{
    for (size_t i = 0; i < text.size; i++)
        if (!is_small(text.data[i]))
            return false;
    return text.size > 0 && text.size <= SPIFFE_DOMAIN_MAX;
}

static const char *check_segment(struct paa_str segment)
{
    if (segment.size == 0)
        return "has an empty path segment, or ends with \"/\"";
    if (paa_str_eq(segment, ".") || paa_str_eq(segment, ".."))
        return "has a dot segment in its path";
    for (size_t i = 0; i < segment.size; i++)
        if (!is_small(char_lower(segment.data[i])))
            return "has something else in its path than letters, digits, \".\", \"-\" and \"_\"";
    return NULL;
}

static const char *check_path(struct paa_str path)
{
    const char *why = NULL;
    size_t from = 1;

    while (why == NULL && from <= path.size && path.size > 0) {
        size_t end = str_find(path, '/', from);

        why = check_segment(str_slice(path, from, end));
        from = end + 1;
    }
    return why;
}

const char *spiffe_parse(struct paa_str text, struct spiffe_id *ret_id)
{
    struct spiffe_id id;
    const char *why;
    size_t slash;

    if (text.size > SPIFFE_ID_MAX)
        return "is longer than 2048 bytes";
    if (!str_starts(text, STR(SCHEME)))
        return "does not begin with \"spiffe://\"";
    slash = str_find(text, '/', sizeof SCHEME - 1);
    id.domain = str_slice(text, sizeof SCHEME - 1, slash);
    id.path = str_slice(text, slash, text.size);
    if (!spiffe_is_domain(id.domain))
        return "has no trust domain of small letters, digits, \".\", \"-\" and \"_\" (no port, no "
               "userinfo)";
    why = check_path(id.path);
    if (why == NULL)
        *ret_id = id;
    return why;
}
