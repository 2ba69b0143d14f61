/* SPDX-License-Identifier: MIT */
/* oauth_words.h's checks. */
#include "oauth_words.h"

#include "oauth_metadata.h"
#include "str.h"
#include "token_response.h"

enum { SENTENCE_MAX = 1024 };

static enum paa_status refuse_word(struct paa_op *op, const char *option, struct paa_str word,
                                   const char *what)
{
    enum paa_status status;
    struct buf buf;

    buf_init(&buf, SENTENCE_MAX);
    buf_add_char(&buf, '"');
    token_told(&buf, word);
    buf_add_text(&buf, "\" ");
    buf_add_text(&buf, what);
    status = op->host->options->refuse(op->options, option, buf_str(&buf));
    buf_free(&buf);
    return status;
}

/* The first value that is not good; PAA_ALL: there is none. */
static size_t find_bad(struct paa_op *op, const char *option, bool (*is_good)(struct paa_str))
{
    size_t count = op->host->options->count(op->options, option);

    for (size_t i = 0; i < count; i++)
        if (!is_good(op->host->options->string(op->options, option, i)))
            return i;
    return PAA_ALL;
}

static enum paa_status check(struct paa_op *op, const char *option, bool (*is_good)(struct paa_str),
                             const char *what)
{
    size_t bad = find_bad(op, option, is_good);

    return bad == PAA_ALL
               ? PAA_STATUS_OK
               : refuse_word(op, option, op->host->options->string(op->options, option, bad), what);
}

enum paa_status oauth_check_scope(struct paa_op *op)
{
    return check(op, "scope", token_scope_valid,
                 "has a character that no scope has: they are visible ASCII but \" and \\, parted "
                 "by blanks (RFC 6749 3.3)");
}

enum paa_status oauth_check_resource(struct paa_op *op)
{
    return check(op, "resource", oauth_uri_absolute,
                 "is no absolute URI without a fragment (RFC 8707 2), such as "
                 "\"https://api.example.com/\"");
}

static bool has_text(struct paa_str text)
{
    return text.size > 0;
}

enum paa_status oauth_check_audience(struct paa_op *op)
{
    if (find_bad(op, "audience", has_text) == PAA_ALL)
        return PAA_STATUS_OK;
    return op->host->options->refuse(op->options, "audience",
                                     STR("it is empty: say for whom tokens are, or leave it out"));
}
