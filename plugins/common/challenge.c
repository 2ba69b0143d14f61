/* SPDX-License-Identifier: MIT */
/* challenge.h's reader. A comma parts both challenges and their parameters: what follows one is a parameter if an
 * equals sign stands behind its name. */
#include "challenge.h"

#include "fields.h"
#include "str.h"

static size_t skip_blanks(struct paa_str s, size_t at)
{
    while (at < s.size && (s.data[at] == ' ' || s.data[at] == '\t'))
        at++;
    return at;
}

static size_t skip_commas(struct paa_str s, size_t at)
{
    at = skip_blanks(s, at);
    while (at < s.size && s.data[at] == ',')
        at = skip_blanks(s, at + 1);
    return at;
}

static size_t token_end(struct paa_str s, size_t at)
{
    while (at < s.size && is_token(paa_str_of_n(s.data + at, 1)))
        at++;
    return at;
}

/* Behind the closing quote of what begins at one; s.size if it is not closed. */
static size_t quoted_end(struct paa_str s, size_t at)
{
    for (at++; at < s.size && s.data[at] != '"'; at++)
        if (s.data[at] == '\\')
            at++;
    return at < s.size ? at + 1 : s.size;
}

/* One parameter that begins at `at`; its end, or `at` if there is none. */
static size_t param_end(struct paa_str s, size_t at, struct paa_str *ret_name,
                        struct paa_str *ret_value)
{
    size_t name = token_end(s, at);
    size_t value = skip_blanks(s, name);
    size_t end;

    if (name == at || value == s.size || s.data[value] != '=')
        return at;
    value = skip_blanks(s, value + 1);
    if (value < s.size && s.data[value] == '"') {
        end = quoted_end(s, value);
        if (end < value + 2 || s.data[end - 1] != '"')
            return at;
        *ret_value = str_slice(s, value + 1, end - 1);
    } else {
        end = token_end(s, value);
        if (end == value)
            return at;
        *ret_value = str_slice(s, value, end);
    }
    *ret_name = str_slice(s, at, name);
    return end;
}

/* A parameter ends where a comma or all ends: what has anything else behind it is none. */
static bool is_closed(struct paa_str s, size_t at)
{
    at = skip_blanks(s, at);
    return at == s.size || s.data[at] == ',';
}

static bool is_token68_char(char c)
{
    return (c >= '0' && c <= '9') || (char_lower(c) >= 'a' && char_lower(c) <= 'z') ||
           (c != '\0' && strchr("-._~+/", c) != NULL);
}

static size_t token68_end(struct paa_str s, size_t at)
{
    size_t end = at;

    while (end < s.size && is_token68_char(s.data[end]))
        end++;
    if (end == at)
        return at;
    while (end < s.size && s.data[end] == '=')
        end++;
    return is_closed(s, end) ? end : at;
}

/* Behind the last parameter of those that begin at `at`. */
static size_t params_end(struct paa_str s, size_t at)
{
    struct paa_str name, value;
    size_t end = at;
    size_t next;

    for (size_t from = at;; from = skip_commas(s, end)) {
        next = param_end(s, from, &name, &value);
        if (next == from || !is_closed(s, next))
            return end;
        end = next;
    }
}

bool challenge_next(struct paa_str *rest, struct challenge *ret_challenge)
{
    struct paa_str s = *rest;
    size_t begin = skip_commas(s, 0);
    size_t scheme = token_end(s, begin);
    size_t at = skip_blanks(s, scheme);
    size_t end;

    if (scheme == begin || (at < s.size && at == scheme && s.data[at] != ','))
        return false;
    memset(ret_challenge, 0, sizeof *ret_challenge);
    ret_challenge->scheme = str_slice(s, begin, scheme);
    end = params_end(s, at);
    ret_challenge->params = str_slice(s, at, end);
    if (end == at) {
        end = token68_end(s, at);
        if (end > at)
            ret_challenge->token68 = str_slice(s, at, end);
    }
    *rest = str_slice(s, end, s.size);
    return is_closed(s, end);
}

struct paa_str challenge_param(const struct challenge *challenge, struct paa_str name)
{
    struct paa_str s = challenge->params;
    struct paa_str found, value;
    size_t at = 0;
    size_t end;

    while ((end = param_end(s, at, &found, &value)) > at) {
        if (str_eq_nocase(found, name))
            return value;
        at = skip_commas(s, end);
    }
    return STR_NONE;
}
