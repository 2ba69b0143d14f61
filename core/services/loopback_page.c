/* SPDX-License-Identifier: MIT */
/* loopback_page.h. */
#include "loopback_page.h"

#include "html.h"
#include "str.h"

#include <stdio.h>

static const char fields[] = "Cache-Control: no-store\r\n"
                             "Referrer-Policy: no-referrer\r\n"
                             "Content-Security-Policy: " HTML_POLICY "; form-action 'none'\r\n"
                             "X-Content-Type-Options: nosniff\r\n"
                             "Connection: close\r\n";

static const struct {
    unsigned code;
    const char *title;
} titles[] = {
    { 200, "OK" },
    { 400, "Bad Request" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 421, "Misdirected Request" },
    { 431, "Request Header Fields Too Large" },
};

static const char *title_of(unsigned code)
{
    for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++)
        if (titles[i].code == code)
            return titles[i].title;
    return "Error";
}

static void write_response(struct buf *buf, unsigned code, const char *type, struct paa_str content)
{
    buf_printf(buf, "HTTP/1.1 %u %s\r\n%s%sContent-Type: %s; charset=utf-8\r\n", code,
               title_of(code), fields, code == 405 ? "Allow: GET\r\n" : "", type);
    buf_printf(buf, "Content-Length: %zu\r\n\r\n", content.size);
    buf_add_str(buf, content);
}

static void write_page(struct buf *buf, unsigned code, const char *title, struct paa_str sentence)
{
    struct buf html;

    buf_init(&html, LOOPBACK_RESPONSE_MAX);
    html_begin(&html, title);
    buf_add_text(&html, "<p>");
    html_add(&html, str_slice(sentence, 0, LOOPBACK_SENTENCE_MAX));
    buf_add_text(&html, "</p>\n<p>You can close this window.</p>");
    html_end(&html);
    write_response(buf, code, "text/html", buf_str(&html));
    buf_free(&html);
}

void loopback_page_write(struct buf *buf, bool success, struct paa_str sentence)
{
    write_page(buf, success ? 200 : 400, success ? "Done" : "Not done", sentence);
}

void loopback_stranger_write(struct buf *buf)
{
    write_page(buf, 400, "Not this login",
               STR("This page does not belong to the login that is under way. Nothing was "
                   "changed."));
}

void loopback_refusal_write(struct buf *buf, unsigned code)
{
    char text[64];
    int size = snprintf(text, sizeof text, "%u %s\n", code, title_of(code));

    write_response(buf, code, "text/plain", paa_str_of_n(text, size > 0 ? (size_t)size : 0));
}
