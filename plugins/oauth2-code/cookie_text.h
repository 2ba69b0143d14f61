/* SPDX-License-Identifier: MIT */
/*
 * Cookies as this plugin names, parts and writes them (RFC 6265): "__Host-" (this host only, over https only, no other
 * path), HttpOnly, SameSite=Lax. Pure.
 *
 *   __Host-paa-NAME           a session, or its first chunk: how many there are as one digit, then text
 *   __Host-paa-NAME.1 to .3   its other chunks
 *   __Host-paa-NAME.login-…   an attempt to log in; the first characters of its state
 *
 * Browsers keep "__Host-" cookies of plain http on loopback, too (not Safari).
 */
#ifndef OAUTH2_CODE_COOKIE_TEXT_H
#define OAUTH2_CODE_COOKIE_TEXT_H

#include "attempt.h"
#include "buf.h"

enum {
    COOKIE_CHUNK_MAX = 3800, /* characters of one cookie: browsers take 4096 with its name */
    COOKIE_CHUNKS_MAX = 4,
    COOKIE_TEXT_MAX = COOKIE_CHUNKS_MAX * COOKIE_CHUNK_MAX - 1, /* characters of a sealed session */
    COOKIE_NAME_SIZE = 128,
    COOKIE_ATTEMPTS_SEEN_MAX =
        16, /* attempts of one browser that are looked at; there are not so many unless
                                  * somebody put them there */
    COOKIE_NO_AGE = -1
};

struct cookie_names { /* views of itself: not to be copied */
    char texts[COOKIE_CHUNKS_MAX][COOKIE_NAME_SIZE];
    char login_text[COOKIE_NAME_SIZE];
    struct paa_str chunks[COOKIE_CHUNKS_MAX];
    struct paa_str login; /* what the name of an attempt begins with */
};

void cookie_names_make(struct cookie_names *names, struct paa_str instance);

/* How many cookies a text of so many characters needs; 0: more than there may be. */
unsigned cookie_chunk_count(size_t size);
/* Appends the value of one of them. */
void cookie_chunk_write(struct buf *buf, struct paa_str text, unsigned count, unsigned index);
/* How many the first one says there are; 0: it is no first chunk. */
unsigned cookie_first_count(struct paa_str first);
/* Of the first one, its text. */
struct paa_str cookie_first_text(struct paa_str first);

/* Appends the value of a Set-Cookie field. max_age_s 0: it goes; COOKIE_NO_AGE: it ends with the browser. */
void cookie_set_write(struct buf *buf, struct paa_str name, struct paa_str value,
                      int64_t max_age_s);

/* The next cookie of an attempt in a Cookie field's value; false: no more. */
bool cookie_next_attempt(const struct cookie_names *names, struct paa_str *rest,
                         struct paa_field *ret_cookie);

#endif
