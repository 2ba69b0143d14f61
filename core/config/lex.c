/* SPDX-License-Identifier: MIT */
/* One word of a policy file at a time. What libconfig 1.5 would misread is an error here. */
#include "lex.h"
#include "str.h"

#include <stdlib.h>

static int peek(const struct lexer *lexer, size_t ahead)
{
    return ahead < lexer->text.size - lexer->at ? (unsigned char)lexer->text.data[lexer->at + ahead]
                                                : -1;
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_hex(int c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static void refuse(struct lexeme *lexeme, const char *sentence)
{
    lexeme->token = TOKEN_ERROR;
    lexeme->error = sentence;
}

static void take(struct lexer *lexer)
{
    if (lexer->text.data[lexer->at++] == '\n')
        lexer->line++;
}

/* Only what begins a comment may be given. False: it never ends. */
static bool pass_comment(struct lexer *lexer)
{
    bool is_block = peek(lexer, 1) == '*';

    if (!is_block || peek(lexer, 0) == '#') {
        while (peek(lexer, 0) >= 0 && peek(lexer, 0) != '\n')
            take(lexer);
        return true;
    }
    take(lexer);
    take(lexer);
    while (peek(lexer, 0) >= 0) {
        if (peek(lexer, 0) == '*' && peek(lexer, 1) == '/') {
            take(lexer);
            take(lexer);
            return true;
        }
        take(lexer);
    }
    return false;
}

static bool pass_blanks(struct lexer *lexer, struct lexeme *lexeme)
{
    for (;;) {
        int c = peek(lexer, 0);

        if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            take(lexer);
            continue;
        }
        if (c != '#' && (c != '/' || (peek(lexer, 1) != '/' && peek(lexer, 1) != '*')))
            return true;
        lexeme->line = lexer->line;
        if (!pass_comment(lexer)) {
            refuse(lexeme, "the comment that begins here never ends: close it with */");
            return false;
        }
    }
}

/* At the backslash. The number of characters, 0 if this is none that libconfig and people read alike. */
static size_t escape_size(const struct lexer *lexer)
{
    int c = peek(lexer, 1);

    if (c == 'n' || c == 'r' || c == 't' || c == 'f' || c == '\\' || c == '"')
        return 2;
    if (c != 'x' || !is_hex(peek(lexer, 2)) || !is_hex(peek(lexer, 3)))
        return 0;
    return peek(lexer, 2) == '0' && peek(lexer, 3) == '0' ? 0 : 4;
}

static void lex_string(struct lexer *lexer, struct lexeme *lexeme)
{
    lexeme->token = TOKEN_STRING;
    lexeme->type = NODE_STRING;
    take(lexer);
    while (peek(lexer, 0) >= 0 && peek(lexer, 0) != '"') {
        size_t size = peek(lexer, 0) == '\\' ? escape_size(lexer) : 1;

        if (size == 0) {
            lexeme->line = lexer->line;
            refuse(lexeme, "this backslash in a string means nothing: write \\\\ for a backslash; "
                           "\\\" \\n \\r \\t \\f and \\x01 to \\xff are the others");
            return;
        }
        for (; size > 0; size--)
            take(lexer);
        if (lexer->at - lexeme->offset > NODE_STRING_MAX) {
            refuse(lexeme,
                   "the string that begins here is longer than 64 KiB: is a quote missing?");
            return;
        }
    }
    if (peek(lexer, 0) < 0)
        refuse(lexeme, "the string that begins here never ends: close it with a quote");
    else
        take(lexer);
}

static bool is_boolean(struct paa_str word, int64_t *ret_value)
{
    *ret_value = str_eq_nocase(word, STR("true"));
    return *ret_value != 0 || str_eq_nocase(word, STR("false"));
}

static void lex_name(struct lexer *lexer, struct lexeme *lexeme)
{
    int c = peek(lexer, 0);

    while (is_letter(c) || is_digit(c) || c == '_' || c == '-' || c == '*') {
        take(lexer);
        c = peek(lexer, 0);
    }
    lexeme->size = lexer->at - lexeme->offset;
    lexeme->token = TOKEN_NAME;
    if (is_boolean(str_slice(lexer->text, lexeme->offset, lexer->at), &lexeme->integer)) {
        lexeme->token = TOKEN_PLAIN;
        lexeme->type = NODE_BOOLEAN;
    } else if (c == '.') {
        refuse(lexeme, "a name is made of letters, digits, - and _: a dot is for strings only");
    }
}

static size_t pass_digits(struct paa_str word, size_t at)
{
    while (at < word.size && is_digit(word.data[at]))
        at++;
    return at;
}

/* Without the "L" or "LL" that libconfig wants behind a 64-bit integer. */
static struct paa_str without_suffix(struct paa_str word, bool *ret_long)
{
    *ret_long = false;
    for (int i = 0; i < 2 && word.size > 0 && word.data[word.size - 1] == 'L'; i++) {
        word.size--;
        *ret_long = true;
    }
    return word;
}

enum { NUMBER_TEXT_MAX = 24 };

static const char *const number_too_large =
    "this integer is beyond 32 bits, which libconfig would cut: write L behind it";
static const char *const number_far_too_large = "this integer is beyond 64 bits";

/* sign and digits were checked. */
static void read_integer(struct paa_str digits, bool is_negative, bool is_long,
                         struct lexeme *lexeme)
{
    uint64_t max = is_negative ? (uint64_t)1 << 63 : INT64_MAX;
    uint64_t number = 0;

    lexeme->type = NODE_INTEGER;
    if (digits.size > 1 && digits.data[0] == '0') {
        refuse(lexeme, "this integer begins with 0, which libconfig reads as decimal: leave the 0 "
                       "out");
        return;
    }
    if (digits.size > NUMBER_TEXT_MAX || !str_to_u64(digits, max, &number)) {
        refuse(lexeme, number_far_too_large);
        return;
    }
    if (!is_long && number > (is_negative ? (uint64_t)1 << 31 : INT32_MAX))
        refuse(lexeme, number_too_large);
    lexeme->integer = is_negative ? (int64_t)(0 - number) : (int64_t)number;
}

/* digits without "0x". */
static void read_hex(struct paa_str digits, bool is_long, struct lexeme *lexeme)
{
    uint64_t number = 0;

    lexeme->type = NODE_INTEGER;
    for (size_t i = 0; i < digits.size; i++) {
        int c = digits.data[i];

        if (number >> 59 != 0) {
            refuse(lexeme, number_far_too_large);
            return;
        }
        number = number << 4 | (uint64_t)(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    if (!is_long && number > INT32_MAX)
        refuse(lexeme, number_too_large);
    lexeme->integer = (int64_t)number;
}

static bool is_hex_number(struct paa_str word)
{
    if (word.size < 3 || word.data[0] != '0' || (word.data[1] | 0x20) != 'x')
        return false;
    for (size_t i = 2; i < word.size; i++)
        if (!is_hex((unsigned char)word.data[i]))
            return false;
    return true;
}

/* "1.5", ".5", "1.", "1e9", "1.5e-3", without a sign. */
static bool is_float(struct paa_str word)
{
    size_t whole = pass_digits(word, 0);
    bool has_point = whole < word.size && word.data[whole] == '.';
    size_t at = has_point ? pass_digits(word, whole + 1) : whole;
    size_t exponent;

    if (at == (has_point ? 1u : 0u))
        return false;
    if (at == word.size)
        return has_point;
    if ((word.data[at] | 0x20) != 'e')
        return false;
    at++;
    if (at < word.size && (word.data[at] == '-' || word.data[at] == '+'))
        at++;
    exponent = pass_digits(word, at);
    return exponent > at && exponent == word.size;
}

static void read_number(struct paa_str word, struct lexeme *lexeme)
{
    bool is_signed = word.data[0] == '-' || word.data[0] == '+';
    struct paa_str bare = str_slice(word, is_signed, word.size);
    bool is_long;
    struct paa_str digits = without_suffix(bare, &is_long);

    lexeme->token = TOKEN_PLAIN;
    if (digits.size > 0 && pass_digits(digits, 0) == digits.size)
        read_integer(digits, word.data[0] == '-', is_long, lexeme);
    else if (!is_signed && is_hex_number(digits))
        read_hex(str_slice(digits, 2, digits.size), is_long, lexeme);
    else if (is_float(bare))
        lexeme->type = NODE_FLOAT;
    else
        refuse(lexeme, "this is no number: durations, sizes and other texts need quotes, as in "
                       "\"10s\"");
}

static void lex_number(struct lexer *lexer, struct lexeme *lexeme)
{
    int c = peek(lexer, 0);

    while (is_digit(c) || is_letter(c) || c == '.' || c == '+' || c == '-' || c == '_') {
        take(lexer);
        c = peek(lexer, 0);
    }
    lexeme->size = lexer->at - lexeme->offset;
    read_number(str_slice(lexer->text, lexeme->offset, lexer->at), lexeme);
}

static void lex_mark(struct lexer *lexer, struct lexeme *lexeme, enum token token,
                     enum node_type type)
{
    take(lexer);
    lexeme->token = token;
    lexeme->type = type;
}

static void lex_other(struct lexeme *lexeme, int c)
{
    if (c == '@')
        refuse(lexeme, "@include is not followed: put the other file into the policy's folder");
    else if (c >= 0x80)
        refuse(lexeme, "letters beyond ASCII may stand in strings and comments only");
    else
        refuse(lexeme, "this character has no meaning here: texts need quotes");
}

void lex_next(struct lexer *lexer, struct lexeme *ret_lexeme)
{
    int c;

    memset(ret_lexeme, 0, sizeof *ret_lexeme);
    if (!pass_blanks(lexer, ret_lexeme))
        return;
    ret_lexeme->line = lexer->line;
    ret_lexeme->offset = lexer->at;
    c = peek(lexer, 0);
    if (c < 0)
        ret_lexeme->token = TOKEN_END;
    else if (c == '"')
        lex_string(lexer, ret_lexeme);
    else if (is_letter(c) || c == '*')
        lex_name(lexer, ret_lexeme);
    else if (is_digit(c) || c == '.' || c == '+' || c == '-')
        lex_number(lexer, ret_lexeme);
    else if (c == '=' || c == ':')
        lex_mark(lexer, ret_lexeme, TOKEN_ASSIGN, 0);
    else if (c == ',')
        lex_mark(lexer, ret_lexeme, TOKEN_COMMA, 0);
    else if (c == ';')
        lex_mark(lexer, ret_lexeme, TOKEN_SEMICOLON, 0);
    else if (c == '{' || c == '}')
        lex_mark(lexer, ret_lexeme, c == '{' ? TOKEN_OPEN : TOKEN_CLOSE, NODE_GROUP);
    else if (c == '(' || c == ')')
        lex_mark(lexer, ret_lexeme, c == '(' ? TOKEN_OPEN : TOKEN_CLOSE, NODE_LIST);
    else if (c == '[' || c == ']')
        lex_mark(lexer, ret_lexeme, c == '[' ? TOKEN_OPEN : TOKEN_CLOSE, NODE_ARRAY);
    else
        lex_other(ret_lexeme, c);
    if (ret_lexeme->size == 0)
        ret_lexeme->size = lexer->at - ret_lexeme->offset;
}
