/* SPDX-License-Identifier: MIT */
/* Targets, routes, authorities, patterns: what is accepted is accepted again, unchanged, in its normal form. */
#include "fuzz.h"
#include "str.h"
#include "target.h"

static void check_normal_path(struct paa_str path, uint32_t flags, struct arena *arena)
{
    struct target again;
    struct paa_str route;

    HOLDS(target_parse(path, flags, arena, &again) == NULL);
    HOLDS(str_eq(again.path, path) && again.query.data == NULL);
    HOLDS(target_route(path, true, flags, arena, &route) == NULL && str_eq(route, path));
    for (size_t i = 0; i < path.size; i++) {
        HOLDS(path.data[i] > 0x20 && path.data[i] < 0x7f && path.data[i] != '\\');
        HOLDS(i == 0 || path.data[i] != '/' || path.data[i - 1] != '/');
    }
}

static void check_target(struct paa_str text, uint32_t flags, struct arena *arena)
{
    struct target target;
    struct target again;

    if (target_parse(text, flags, arena, &target) != NULL)
        return;
    check_normal_path(target.path, flags, arena);
    if (target.wire.size > TARGET_MAX) /* "/" was added to the longest */
        return;
    HOLDS(target_parse(target.wire, flags, arena, &again) == NULL);
    HOLDS(str_eq(again.path, target.path) && str_eq(again.query, target.query));
}

static void check_authority(struct paa_str text, struct arena *arena)
{
    struct origin origin;
    struct origin again;

    if (authority_parse(text, true, arena, &origin) != NULL)
        return;
    HOLDS(origin.host.size > 0 && origin.port > 0);
    HOLDS(authority_parse(origin.host, true, arena, &again) == NULL);
    HOLDS(str_eq(again.host, origin.host));
    HOLDS(origin_is_loopback(&again) == origin_is_loopback(&origin));
}

static void check_pattern(struct paa_str text, struct arena *arena)
{
    struct paa_str better;

    if (pattern_check(text, arena, &better) != NULL && better.data != NULL &&
        better.size <= TARGET_MAX)
        HOLDS(pattern_check(better, arena, NULL) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct paa_str text = paa_str_of_n((const char *)data, size);
    struct paa_str route;
    struct origin origin;
    struct arena arena;

    arena_init(&arena, NULL, 0, 16 * 1024 * 1024);
    for (uint32_t flags = 0; flags <= TARGET_ALLOW_SEMICOLON; flags++) {
        check_target(text, flags, &arena);
        if (target_route(text, false, flags, &arena, &route) == NULL && route.size <= TARGET_MAX)
            check_normal_path(route, flags, &arena);
    }
    check_authority(text, &arena);
    (void)origin_parse(text, &arena, &origin);
    check_pattern(text, &arena);
    arena_free(&arena);
    return 0;
}
