/* SPDX-License-Identifier: MIT */
/* URLs: what was read and written again reads as the same URL, and is written the same. */
#include "fuzz.h"
#include "str.h"
#include "url.h"

static void check_again(const struct url *url, struct arena *arena)
{
    struct buf first, second;
    struct url again;

    buf_init(&first, 2 * URL_MAX);
    buf_init(&second, 2 * URL_MAX);
    url_write(&first, url);
    HOLDS(!first.failed);
    if (first.size <= URL_MAX) { /* a path of "/" may have come to it */
        HOLDS(url_parse(buf_str(&first), arena, &again) == NULL);
        HOLDS(origin_eq(&url->origin, &again.origin));
        HOLDS(str_eq(url->path, again.path) && str_eq(url->query, again.query));
        url_write(&second, &again);
        HOLDS(str_eq(buf_str(&first), buf_str(&second)));
    }
    buf_free(&first);
    buf_free(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct paa_str text = paa_str_of_n((const char *)data, size);
    struct arena arena;
    struct url url;

    arena_init(&arena, NULL, 0, 64 * 1024);
    if (url_parse(text, &arena, &url) == NULL) {
        HOLDS(url.path.size > 0 && url.path.data[0] == '/');
        HOLDS(memchr(url.origin.host.data, '@', url.origin.host.size) == NULL);
        check_again(&url, &arena);
    }
    arena_free(&arena);
    return 0;
}
