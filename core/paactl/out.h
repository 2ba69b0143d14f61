/* SPDX-License-Identifier: MIT */
/*
 * How paactl writes: text for people with colours where a terminal shows them, JSON for programs,
 * complaints to standard error. Whatever came from outside is escaped on its way. Knows no command.
 */
#ifndef PAACTL_OUT_H
#define PAACTL_OUT_H

#include "buf.h"
#include "json.h"

enum style { PLAIN, BOLD, DIM, GREEN, YELLOW, RED };

enum glyph {
    GLYPH_YES,
    GLYPH_NO,
    GLYPH_WARNING,
    GLYPH_NEUTRAL,
    GLYPH_NOT_RUN,
    GLYPH_BRANCH,
    GLYPH_MICRO
};

struct out { /* gathers all and writes it at once */
    struct buf buf;
    bool has_colours;
    bool has_unicode;
};

enum { OUT_MAX = 64 * 1024 * 1024 };

/* Colours: standard output is a terminal, NO_COLOR is empty and TERM is not "dumb". Glyphs
 * beyond ASCII: the locale's encoding is UTF-8. */
void out_init(struct out *out);
/* Writes to standard output, wipes, frees. False: it has complained. */
bool out_flush(struct out *out);

void out_text(struct out *out, const char *text); /* the program's own words */
PAA_PRINTF(2, 3) void out_printf(struct out *out, const char *format, ...);
void out_styled(struct out *out, enum style style, const char *text);   /* own words */
void out_given(struct out *out, enum style style, struct paa_str text); /* escaped */
const char *out_glyph(const struct out *out, enum glyph glyph);
/* As many blanks as text of that many columns lacks to width, and two more. */
void out_pad(struct out *out, size_t columns, size_t width);
/* How many columns escaped text takes; one for each character. */
size_t out_columns(struct paa_str text);

/* What came from outside, at once, to standard output. escapes: for a terminal; lines stay lines and columns
 * columns, all other control bytes are escaped. False: it could not be written. */
bool out_lines(const char *data, size_t size, bool escapes);

/* One JSON text and a newline to standard output; wipes, frees. False: it has complained. */
bool out_json(struct buf *buf);

/* "paactl: SENTENCE" to standard error, escaped. */
PAA_PRINTF(1, 2) void complain(const char *format, ...);
/* A line to standard error that carries its own "FILE:LINE: ", escaped. */
PAA_PRINTF(1, 2) void complain_at(const char *format, ...);

#endif
