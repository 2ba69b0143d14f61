/* SPDX-License-Identifier: MIT */
/*
 * The words of a policy file, one after the other. Pure; knows no structure (scan.c does). Stricter than
 * libconfig wherever libconfig reads something other than what stands there.
 */
#ifndef CONFIG_LEX_H
#define CONFIG_LEX_H

#include "node.h"

enum token {
    TOKEN_START = 1,
    TOKEN_END,
    TOKEN_ERROR, /* lexeme.error says why */
    TOKEN_NAME,
    TOKEN_ASSIGN,
    TOKEN_COMMA,
    TOKEN_SEMICOLON,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_STRING,
    TOKEN_PLAIN /* an integer, a float or a boolean */
};

struct lexeme {
    enum token token;
    enum node_type type; /* of what opens, closes or is a value */
    uint32_t line;       /* where it begins */
    size_t offset;
    size_t size;
    int64_t integer;
    const char *error; /* a sentence; constant */
};

struct lexer {
    struct paa_str text;
    size_t at;
    uint32_t line;
};

/* After TOKEN_END or TOKEN_ERROR: do not call again. */
void lex_next(struct lexer *lexer, struct lexeme *ret_lexeme);

#endif
