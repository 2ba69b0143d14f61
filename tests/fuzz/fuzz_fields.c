/* SPDX-License-Identifier: MIT */
/*
 * Names, challenges, cookies, queries. Input: a name, a NUL, a value. What is removed is not found again;
 * what is written is found again.
 */
#include "fields.h"
#include "fuzz.h"
#include "str.h"

static void check_names(struct paa_str a, struct paa_str b)
{
    HOLDS(field_name_hash(a) != 0);
    if (field_name_same(a, b))
        HOLDS(field_name_hash(a) == field_name_hash(b));
    HOLDS(field_name_same(a, b) == field_name_same(b, a));
}

/* The same name, spelt differently. */
static void check_folding(struct paa_str name, struct arena *arena)
{
    char *other = arena_copy(arena, name.data, name.size);

    HOLDS(other != NULL);
    for (size_t i = 0; i < name.size; i++) {
        if (other[i] == '-' || other[i] == '_')
            other[i] = '.';
        else
            other[i] = char_lower(other[i]);
    }
    HOLDS(field_name_same(name, paa_str_of_n(other, name.size)));
    check_names(name, paa_str_of_n(other, name.size));
}

static void check_challenge(struct paa_str name, struct paa_str value, struct buf *buf)
{
    struct paa_field param = { name, value };

    buf_clear(buf);
    if (challenge_write(buf, STR("Bearer"), STR_NONE, &param, 1)) {
        HOLDS(is_field_value(buf_str(buf)));
        HOLDS(credentials_of(buf_str(buf), STR("bearer")).size >= name.size + value.size + 3);
    } else {
        HOLDS(buf->size == 0);
    }
    buf_clear(buf);
    if (challenge_write(buf, name, value, NULL, 0))
        HOLDS(str_eq(credentials_of(buf_str(buf), name), value));
}

static void check_cookies(struct paa_str name, struct paa_str value, struct arena *arena)
{
    struct paa_str left = cookie_without(value, name, arena);

    HOLDS(cookie_find(left, name, 0).data == NULL);
    HOLDS(str_eq(cookie_without(left, name, arena), left));
}

static void check_queries(struct paa_str name, struct paa_str value, struct arena *arena,
                          struct buf *buf)
{
    struct paa_str left = query_without(value, name, arena);

    HOLDS(query_find(left, name, 0, arena).data == NULL);
    HOLDS(str_eq(query_without(left, name, arena), left));
    buf_clear(buf);
    form_add(buf, STR("first"), value);
    form_add(buf, name, value);
    HOLDS(!buf->failed);
    HOLDS(str_eq(query_find(buf_str(buf), name, str_eq(name, STR("first")), arena), value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct paa_str text = size > 0 ? paa_str_of_n((const char *)data, size) : STR("");
    size_t middle = str_find(text, '\0', 0);
    struct paa_str name = str_slice(text, 0, middle);
    struct paa_str value = str_slice(text, middle + 1, size);
    struct arena arena;
    struct buf buf;

    arena_init(&arena, NULL, 0, 64 * 1024 * 1024);
    buf_init(&buf, 16 * 1024 * 1024);
    check_names(name, value);
    check_folding(name, &arena);
    check_challenge(name, value, &buf);
    check_cookies(name, value, &arena);
    check_queries(name, value, &arena, &buf);
    if (is_cookie_value(value))
        HOLDS(is_field_value(value));
    buf_free(&buf);
    arena_free(&arena);
    return 0;
}
