/* SPDX-License-Identifier: MIT */
/* Writes JSON (RFC 8259), one line, into a buf. Reads none. Invalid UTF-8 is replaced by U+FFFD; controls,
 * U+2028, U+2029 and bidirectional controls are escaped, so that a log line stays one line. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "buf.h"

struct json {
    struct buf *buf;
    bool need_comma;
};

void json_init(struct json *json, struct buf *buf);
/* name NULL: inside an array, or the outermost value. */
void json_open(struct json *json, const char *name, char bracket);        /* '{' or '[' */
void json_close(struct json *json, char bracket);                         /* '}' or ']' */
void json_str(struct json *json, const char *name, struct paa_str value); /* absent: null */
void json_text(struct json *json, const char *name, const char *value);
void json_int(struct json *json, const char *name, int64_t value);
void json_bool(struct json *json, const char *name, bool value);
void json_null(struct json *json, const char *name);

/* Appends s for a terminal or a plain log: controls, ESC, U+2028/9 and bidi controls as \xNN or \uNNNN. */
void text_escape(struct buf *buf, struct paa_str s);
bool utf8_valid(struct paa_str s);

#endif
