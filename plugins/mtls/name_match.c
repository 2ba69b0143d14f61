/* SPDX-License-Identifier: MIT */
#include "name_match.h"

#include "str.h"

enum { NAME_MAX_SIZE = 2048, DNS_MAX = 253, LABEL_MAX = 63 };

/* ---- what may stand there ------------------------------------------------------------------------ */

static bool is_label(struct paa_str label)
{
    for (size_t i = 0; i < label.size; i++) {
        char c = char_lower(label.data[i]);

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_')
            return false;
    }
    return label.size > 0 && label.size <= LABEL_MAX && label.data[0] != '-' &&
           label.data[label.size - 1] != '-';
}

static bool is_dns(struct paa_str name)
{
    size_t from = 0;

    while (from <= name.size) {
        size_t end = str_find(name, '.', from);

        if (!is_label(str_slice(name, from, end)))
            return false;
        from = end + 1;
    }
    return name.size <= DNS_MAX;
}

/* Visible ASCII; a subject may hold blanks. */
static bool is_visible(struct paa_str name, char least)
{
    for (size_t i = 0; i < name.size; i++)
        if (name.data[i] < least || name.data[i] > '~')
            return false;
    return name.size > 0 && name.size <= NAME_MAX_SIZE;
}

bool name_is_clean(enum name_kind kind, struct paa_str name)
{
    size_t at = str_find(name, '@', 0);

    switch (kind) {
    case NAME_DNS:
        return is_dns(name);
    case NAME_EMAIL:
        return is_visible(name, '!') && at > 0 && at < name.size &&
               is_dns(str_slice(name, at + 1, name.size));
    case NAME_URI:
        return is_visible(name, '!');
    case NAME_SUBJECT:
    default:
        return is_visible(name, ' ');
    }
}

/* ---- patterns ------------------------------------------------------------------------------------ */

static const char *check_uri(struct paa_str pattern)
{
    size_t colon = str_find(pattern, ':', 0), start, from;

    if (!is_visible(pattern, '!') || colon == 0 || colon == pattern.size)
        return "is no URI: begin with a scheme and \":\"";
    start = str_starts(str_slice(pattern, colon, pattern.size), STR("://"))
                ? str_find(pattern, '/', colon + 3) /* behind the authority */
                : str_find(pattern, '/', colon);
    if (str_find(pattern, '*', 0) < start)
        return "has \"*\" before its path; name the authority in full";
    for (from = start; from < pattern.size;) {
        size_t end = str_find(pattern, '/', from + 1);
        struct paa_str segment = str_slice(pattern, from + 1, end);

        if (paa_str_eq(segment, "**") && end < pattern.size)
            return "has \"**\" before its end; it stands for all the rest";
        if (str_find(segment, '*', 0) < segment.size && !paa_str_eq(segment, "*") &&
            !paa_str_eq(segment, "**"))
            return "has \"*\" as a part of a segment; it stands for a whole one";
        from = end;
    }
    return NULL;
}

const char *name_pattern_check(enum name_kind kind, struct paa_str pattern)
{
    switch (kind) {
    case NAME_URI:
        return check_uri(pattern);
    case NAME_DNS:
        return is_dns(str_starts(pattern, STR("*.")) ? str_slice(pattern, 2, pattern.size)
                                                     : pattern)
                   ? NULL
                   : "is no DNS name; \"*.\" may stand in front";
    case NAME_EMAIL:
        return name_is_clean(kind, pattern) && (str_find(pattern, '*', 0) == pattern.size ||
                                                (str_starts(pattern, STR("*@")) &&
                                                 str_find(pattern, '*', 1) == pattern.size))
                   ? NULL
                   : "is no e-mail address; \"*@\" may stand in front";
    case NAME_SUBJECT:
    default:
        return is_visible(pattern, ' ') && str_find(pattern, '=', 0) < pattern.size
                   ? NULL
                   : "is no distinguished name as RFC 4514 writes it (\"CN=robot,O=Example\")";
    }
}

static bool uri_matches(struct paa_str pattern, struct paa_str name)
{
    size_t p = 0, n = 0;

    for (;;) {
        size_t p_end = str_find(pattern, '/', p), n_end = str_find(name, '/', n);
        struct paa_str wanted = str_slice(pattern, p, p_end), segment = str_slice(name, n, n_end);

        if (p > 0 && paa_str_eq(wanted, "**"))
            return segment.size > 0;
        if (p > 0 && paa_str_eq(wanted, "*") ? segment.size == 0 : !str_eq(wanted, segment))
            return false;
        if (p_end == pattern.size || n_end == name.size)
            return p_end == pattern.size && n_end == name.size;
        p = p_end + 1;
        n = n_end + 1;
    }
}

static bool dns_matches(struct paa_str pattern, struct paa_str name)
{
    if (!str_starts(pattern, STR("*.")))
        return str_eq_nocase(pattern, name);
    return str_eq_nocase(str_slice(pattern, 1, pattern.size),
                         str_slice(name, str_find(name, '.', 0), name.size));
}

static bool email_matches(struct paa_str pattern, struct paa_str name)
{
    size_t p = str_find(pattern, '@', 0), n = str_find(name, '@', 0);

    return str_eq_nocase(str_slice(pattern, p, pattern.size), str_slice(name, n, name.size)) &&
           (paa_str_eq(str_slice(pattern, 0, p), "*") ||
            str_eq(str_slice(pattern, 0, p), str_slice(name, 0, n)));
}

bool name_matches(enum name_kind kind, struct paa_str pattern, struct paa_str name)
{
    switch (kind) {
    case NAME_URI:
        return uri_matches(pattern, name);
    case NAME_DNS:
        return dns_matches(pattern, name);
    case NAME_EMAIL:
        return email_matches(pattern, name);
    case NAME_SUBJECT:
    default:
        return str_eq(pattern, name);
    }
}
