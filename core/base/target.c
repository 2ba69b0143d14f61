/* SPDX-License-Identifier: MIT */
/* target.h: the forms of a request target (RFC 9112 3.2), and the path a host routes by. */
#include "hint.h"
#include "path.h"
#include "str.h"

static const char TOO_LONG[] = "the target is longer than 16 KiB";

/* path, query and wire of what begins with "/". */
static const char *origin_form(struct paa_str text, uint32_t flags, struct arena *arena,
                               struct target *target)
{
    size_t size = 0;
    const char *wrong = path_parse(text, flags, arena, &target->path, &size);

    if (UNLIKELY(wrong != NULL))
        return wrong;
    target->wire = text;
    target->query = STR_NONE;
    if (size == text.size)
        return NULL;
    target->query = str_slice(text, size + 1, text.size);
    return query_check(target->query);
}

/* "https://host?x": the empty path is "/" (RFC 3986 6.2.3). */
static const char *with_slash(struct paa_str *rest, struct arena *arena)
{
    char *text;

    if (rest->size > 0 && rest->data[0] == '/')
        return NULL;
    if (rest->size == 0) {
        *rest = STR("/");
        return NULL;
    }
    text = arena_alloc(arena, rest->size + 1);
    if (text == NULL)
        return PATH_NO_MEMORY;
    text[0] = '/';
    memcpy(text + 1, rest->data, rest->size);
    *rest = paa_str_of_n(text, rest->size + 1);
    return NULL;
}

static const char *absolute_form(struct paa_str text, uint32_t flags, struct arena *arena,
                                 struct target *target)
{
    bool https = str_starts_nocase(text, STR("https://"));
    struct origin origin;
    struct paa_str rest;
    const char *wrong;
    size_t from = https ? sizeof "https://" - 1 : sizeof "http://" - 1;
    size_t to = from;

    if (!https && !str_starts_nocase(text, STR("http://")))
        return "the target is neither a path nor an http or https URL";
    while (to < text.size && strchr("/?#\\", text.data[to]) == NULL)
        to++;
    target->scheme = https ? STR("https") : STR("http");
    target->authority = str_slice(text, from, to);
    wrong = authority_parse(target->authority, https, arena, &origin);
    rest = str_slice(text, to, text.size);
    if (wrong == NULL)
        wrong = with_slash(&rest, arena);
    return wrong != NULL ? wrong : origin_form(rest, flags, arena, target);
}

const char *target_parse(struct paa_str text, uint32_t flags, struct arena *arena,
                         struct target *ret_target)
{
    struct target target = { STR_NONE, STR_NONE, STR_NONE, STR_NONE, STR_NONE };
    const char *wrong = NULL;

    if (text.size == 0)
        return "the target is empty";
    if (text.size > TARGET_MAX)
        return TOO_LONG;
    if (LIKELY(text.data[0] == '/')) {
        wrong = origin_form(text, flags, arena, &target);
    } else if (paa_str_eq(text, "*")) {
        target.path = text;
        target.wire = text;
    } else {
        wrong = absolute_form(text, flags, arena, &target);
    }
    if (wrong == NULL)
        *ret_target = target;
    return wrong;
}

const char *target_route(struct paa_str path, bool encoded, uint32_t flags, struct arena *arena,
                         struct paa_str *ret_path)
{
    const char *wrong = NULL;
    size_t size = 0;
    size_t whole;

    if (path.size > TARGET_MAX)
        return TOO_LONG;
    if (paa_str_eq(path, "*")) {
        *ret_path = path;
        return NULL;
    }
    if (!encoded)
        wrong = path_encode(path, true, arena, &path);
    whole = path.size;
    if (wrong == NULL)
        wrong = path_parse(path, flags, arena, &path, &size);
    if (wrong != NULL)
        return wrong;
    if (size != whole)
        return "the path holds a query";
    *ret_path = path;
    return NULL;
}
