/* SPDX-License-Identifier: MIT */
/* See cookie_text.h. */
#include "cookie_text.h"

#include "str.h"

#include <stdio.h>

#define PREFIX "__Host-paa-"

void cookie_names_make(struct cookie_names *names, struct paa_str instance)
{
    for (unsigned i = 0; i < COOKIE_CHUNKS_MAX; i++) {
        int size =
            i == 0 ? snprintf(names->texts[i], COOKIE_NAME_SIZE, PREFIX "%.*s", STR_ARGS(instance))
                   : snprintf(names->texts[i], COOKIE_NAME_SIZE, PREFIX "%.*s.%u",
                              STR_ARGS(instance), i);

        names->chunks[i] = paa_str_of_n(names->texts[i], (size_t)size);
    }
    (void)snprintf(names->login_text, COOKIE_NAME_SIZE, PREFIX "%.*s.login-", STR_ARGS(instance));
    names->login = paa_str_of(names->login_text);
}

/* ---- chunks ------------------------------------------------------------------------------------- */

unsigned cookie_chunk_count(size_t size)
{
    return size == 0 || size > COOKIE_TEXT_MAX
               ? 0
               : (unsigned)((size + 1 + COOKIE_CHUNK_MAX - 1) / COOKIE_CHUNK_MAX);
}

void cookie_chunk_write(struct buf *buf, struct paa_str text, unsigned count, unsigned index)
{
    size_t from = (size_t)index * COOKIE_CHUNK_MAX;

    if (index == 0)
        buf_add_char(buf, (char)('0' + count));
    buf_add_str(buf, str_slice(text, index == 0 ? 0 : from - 1, from - 1 + COOKIE_CHUNK_MAX));
}

unsigned cookie_first_count(struct paa_str first)
{
    if (first.size < 2 || first.data[0] < '1' || first.data[0] > '0' + COOKIE_CHUNKS_MAX)
        return 0;
    return (unsigned)(first.data[0] - '0');
}

struct paa_str cookie_first_text(struct paa_str first)
{
    return str_slice(first, 1, first.size);
}

/* ---- fields ------------------------------------------------------------------------------------- */

void cookie_set_write(struct buf *buf, struct paa_str name, struct paa_str value, int64_t max_age_s)
{
    buf_add_str(buf, name);
    buf_add_char(buf, '=');
    buf_add_str(buf, value);
    buf_add_text(buf, "; Path=/; Secure; HttpOnly; SameSite=Lax");
    if (max_age_s >= 0)
        buf_printf(buf, "; Max-Age=%lld", (long long)max_age_s);
}

bool cookie_next_attempt(const struct cookie_names *names, struct paa_str *rest,
                         struct paa_field *ret_cookie)
{
    struct paa_str text;

    while (str_next(rest, ";", &text)) {
        size_t sign;

        text = str_trim(text);
        sign = str_find(text, '=', 0);
        if (sign != names->login.size + ATTEMPT_SUFFIX_SIZE || sign == text.size ||
            !str_starts(text, names->login))
            continue;
        ret_cookie->name = str_slice(text, 0, sign);
        ret_cookie->value = str_slice(text, sign + 1, text.size);
        return true;
    }
    return false;
}
