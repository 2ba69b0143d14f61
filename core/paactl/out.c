/* SPDX-License-Identifier: MIT */
/* out.h: the only file here that knows terminals. */
#include "out.h"

#include <errno.h>
#include <langinfo.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COMPLAINT_MAX = 8 * 1024 };

static const char *const style_codes[] = {
    [PLAIN] = "", [BOLD] = "1", [DIM] = "2", [GREEN] = "32", [YELLOW] = "33", [RED] = "31"
};

static const struct {
    const char *unicode;
    const char *ascii;
} glyphs[] = {
    [GLYPH_YES] = { "\xe2\x9c\x93", "+" }, [GLYPH_NO] = { "\xe2\x9c\x97", "x" },
    [GLYPH_WARNING] = { "!", "!" },        [GLYPH_NEUTRAL] = { "\xe2\x97\x8b", "o" },
    [GLYPH_NOT_RUN] = { "\xc2\xb7", "." }, [GLYPH_BRANCH] = { "\xe2\x94\x94 ", "- " },
    [GLYPH_MICRO] = { "\xc2\xb5s", "us" },
};

static bool wants_colours(void)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");

    return isatty(STDOUT_FILENO) != 0 && (no_color == NULL || no_color[0] == '\0') &&
           term != NULL && strcmp(term, "dumb") != 0;
}

void out_init(struct out *out)
{
    buf_init(&out->buf, OUT_MAX);
    out->has_colours = wants_colours();
    out->has_unicode = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

static bool write_all(struct buf *buf)
{
    bool is_written =
        !buf->failed &&
        fwrite(buf->data != NULL ? buf->data : "", 1, buf->size, stdout) == buf->size &&
        fflush(stdout) == 0;

    if (buf->failed)
        complain("out of memory for the output");
    else if (!is_written)
        complain("standard output cannot be written: %s", strerror(errno));
    buf_free(buf);
    return is_written;
}

bool out_lines(const char *data, size_t size, bool escapes)
{
    struct buf buf;
    size_t from = 0;
    bool is_written;

    if (!escapes)
        return fwrite(data, 1, size, stdout) == size;
    buf_init(&buf, OUT_MAX);
    for (size_t i = 0; i <= size; i++) {
        if (i < size && data[i] != '\n' && data[i] != '\t')
            continue;
        text_escape(&buf, paa_str_of_n(data + from, i - from));
        if (i < size)
            buf_add_char(&buf, data[i]);
        from = i + 1;
    }
    is_written =
        !buf.failed && (buf.size == 0 || fwrite(buf.data, 1, buf.size, stdout) == buf.size);
    buf_free(&buf);
    return is_written;
}

bool out_flush(struct out *out)
{
    return write_all(&out->buf);
}

bool out_json(struct buf *buf)
{
    buf_add_char(buf, '\n');
    return write_all(buf);
}

void out_text(struct out *out, const char *text)
{
    buf_add_text(&out->buf, text);
}

void out_printf(struct out *out, const char *format, ...)
{
    char text[256];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    text_escape(&out->buf, paa_str_of(text));
}

static void begin_style(struct out *out, enum style style)
{
    if (out->has_colours && style != PLAIN)
        buf_printf(&out->buf, "\033[%sm", style_codes[style]);
}

static void end_style(struct out *out, enum style style)
{
    if (out->has_colours && style != PLAIN)
        buf_add_text(&out->buf, "\033[0m");
}

void out_styled(struct out *out, enum style style, const char *text)
{
    if (text[0] == '\0')
        return;
    begin_style(out, style);
    buf_add_text(&out->buf, text);
    end_style(out, style);
}

void out_given(struct out *out, enum style style, struct paa_str text)
{
    if (text.size == 0)
        return;
    begin_style(out, style);
    text_escape(&out->buf, text);
    end_style(out, style);
}

const char *out_glyph(const struct out *out, enum glyph glyph)
{
    return out->has_unicode ? glyphs[glyph].unicode : glyphs[glyph].ascii;
}

void out_pad(struct out *out, size_t columns, size_t width)
{
    size_t blanks = 2 + (width > columns ? width - columns : 0);

    while (blanks-- > 0)
        buf_add_char(&out->buf, ' ');
}

size_t out_columns(struct paa_str text)
{
    struct buf escaped;
    size_t columns = 0;

    buf_init(&escaped, OUT_MAX);
    text_escape(&escaped, text);
    for (size_t i = 0; i < escaped.size; i++)
        columns += (escaped.data[i] & 0xc0) != 0x80;
    buf_free(&escaped);
    return columns;
}

PAA_PRINTF(2, 0)
static void complain_with(const char *prefix, const char *format, va_list arguments)
{
    char text[COMPLAINT_MAX];
    struct buf escaped;

    (void)vsnprintf(text, sizeof text, format, arguments);
    buf_init(&escaped, OUT_MAX);
    text_escape(&escaped, paa_str_of(text));
    (void)fprintf(stderr, "%s%s\n", prefix, escaped.data != NULL ? escaped.data : "");
    buf_free(&escaped);
}

void complain(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    complain_with("paactl: ", format, arguments);
    va_end(arguments);
}

void complain_at(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    complain_with("", format, arguments);
    va_end(arguments);
}
