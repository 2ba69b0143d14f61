/* SPDX-License-Identifier: MIT */
/* target.h's pattern_check: is a policy's pattern written as requests will be read? */
#include "path.h"
#include "str.h"

static const char *stars_check(struct paa_str pattern)
{
    struct paa_str rest = pattern;
    struct paa_str segment;

    while (str_next(&rest, "/", &segment)) {
        if (paa_str_eq(segment, "**")) {
            if (rest.size > 0)
                return "\"**\" stands for all the rest, so it can only be the last segment";
        } else if (str_find(segment, '*', 0) < segment.size && segment.size > 1) {
            return "\"*\" stands for a whole segment and cannot be a part of one";
        }
    }
    return NULL;
}

/* NULL, and the normal form. */
static const char *normal_form(struct paa_str pattern, struct arena *arena,
                               struct paa_str *ret_normal)
{
    size_t size = 0;
    const char *wrong = path_parse(pattern, TARGET_ALLOW_SEMICOLON, arena, ret_normal, &size);

    if (wrong == NULL && size != pattern.size)
        wrong = "a pattern is about the path only and cannot hold a query";
    return wrong != NULL ? wrong : stars_check(*ret_normal);
}

/* What was probably meant: with "/" before it, and encoded what must be. Absent: no idea. */
static struct paa_str better_form(struct paa_str pattern, struct arena *arena)
{
    struct paa_str better = pattern;
    char *text;

    if (pattern.size == 0 || str_find(pattern, '?', 0) < pattern.size)
        return STR_NONE;
    if (pattern.data[0] != '/') {
        text = arena_alloc(arena, pattern.size + 1);
        if (text == NULL)
            return STR_NONE;
        text[0] = '/';
        memcpy(text + 1, pattern.data, pattern.size);
        better = paa_str_of_n(text, pattern.size + 1);
    }
    if (path_encode(better, false, arena, &better) != NULL ||
        normal_form(better, arena, &better) != NULL)
        return STR_NONE;
    return better;
}

const char *pattern_check(struct paa_str pattern, struct arena *arena, struct paa_str *ret_better)
{
    struct paa_str normal = STR_NONE;
    struct paa_str better = STR_NONE;
    const char *wrong = NULL;

    if (pattern.size > TARGET_MAX)
        wrong = "the pattern is longer than 16 KiB";
    else if (!paa_str_eq(pattern, "*")) { /* the asterisk-form, as it stands */
        wrong = normal_form(pattern, arena, &normal);
        if (wrong != NULL)
            better = better_form(pattern, arena);
        else if (!str_eq(normal, pattern)) {
            wrong = "the pattern is not in normal form";
            better = normal;
        }
    }
    if (ret_better != NULL)
        *ret_better = better;
    return wrong;
}
