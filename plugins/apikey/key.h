/* SPDX-License-Identifier: MIT */
/*
 * The text of a minted key. Pure; knows no digest, no store and no source of chance.
 *
 *   paa_4Fq0ZrT1mKx8_<43 characters of secret><6 characters of checksum>
 *
 * prefix, "_", id, "_", secret, checksum; all of [0-9A-Za-z_], so that a double click takes all of it.
 * Widths are fixed but for the prefix, so a key is read from its end and a prefix may hold "_". The
 * checksum is the CRC-32 of all before it, in base 62: it tells typing errors and lets secret scanners
 * be sure. A scanner's regular expression: \bPREFIX_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}\b
 */
#ifndef APIKEY_KEY_H
#define APIKEY_KEY_H

#include <paa/types.h>
#include <stdbool.h>

enum {
    KEY_PREFIX_MAX = 24,
    KEY_ID_SIZE = 12,     /* 71 bits: ids do not collide, and are no secret */
    KEY_SECRET_SIZE = 43, /* 62^43 > 2^256 */
    KEY_CHECKSUM_SIZE = 6,
    KEY_TAIL_SIZE = 1 + KEY_ID_SIZE + 1 + KEY_SECRET_SIZE + KEY_CHECKSUM_SIZE,
    KEY_TEXT_MAX = KEY_PREFIX_MAX + KEY_TAIL_SIZE
};

enum key_form {
    KEY_MINTED = 1,   /* by its shape, and the checksum is right */
    KEY_BAD_CHECKSUM, /* by its shape, but mistyped */
    KEY_FOREIGN       /* anything else: perhaps imported */
};

struct key_parts {       /* views of the text */
    struct paa_str body; /* all but the checksum */
    struct paa_str prefix;
    struct paa_str id;
    struct paa_str secret;
};

/* [0-9A-Za-z][0-9A-Za-z_]*, at most KEY_PREFIX_MAX. */
bool key_prefix_valid(struct paa_str prefix);
bool key_id_valid(struct paa_str id);

/* Where the id would stand if the text were a minted key; absent: it is too short or long to be one. */
struct paa_str key_id_place(struct paa_str text);
/* *ret_parts is set for KEY_MINTED only. */
enum key_form key_parse(struct paa_str text, struct key_parts *ret_parts);
/* A key with that prefix of which the end was lost, or that something was pasted behind: it has the prefix, an id and
 * another number of characters than there must follow. */
bool key_is_cut(struct paa_str text, struct paa_str prefix);

/* Turns random bytes into characters, each as likely as any other; bytes that would favour some are
 * passed over. How many of `size` characters it wrote. */
size_t key_characters(struct paa_bytes random, char *ret_text, size_t size);

/* The whole text from its parts; chosen holds id and secret, KEY_ID_SIZE + KEY_SECRET_SIZE characters. The size
 * written, no NUL. prefix is valid. */
size_t key_write(struct paa_str prefix, const char *chosen, char ret_text[KEY_TEXT_MAX]);

#endif
