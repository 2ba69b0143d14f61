/* SPDX-License-Identifier: MIT */
/* See page.h. */
#include "page.h"

#include "str.h"

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>";
static const char style[] =
    "</title><style>:root{color-scheme:light dark}body{font:1.1rem/1.5 system-ui,sans-serif;"
    "max-width:34rem;margin:15vh auto;padding:0 1.5rem}h1{font-size:1.5rem}"
    "a,button{display:inline-block;margin-top:1rem;padding:.6rem 1.2rem;border:1px solid;"
    "border-radius:.4rem;font:inherit;color:inherit;background:none;text-decoration:none;"
    "cursor:pointer}code{opacity:.7}</style></head>\n<body><h1>";
/* No form-action: some browsers apply it to where a form's answer leads, too, which is the provider. */
static const char policy[] = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
                             "frame-ancestors 'none'";

static void escape(struct buf *buf, struct paa_str text)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (c < ' ' || c >= 0x7f || c == '&' || c == '<' || c == '>' || c == '"' || c == '\'')
            buf_printf(buf, "&#%u;", c < ' ' || c >= 0x7f ? '?' : (unsigned)c);
        else
            buf_add_char(buf, text.data[i]);
    }
}

static void write_way(struct buf *buf, const struct page *page)
{
    buf_add_text(buf, page->is_post ? "<form method=\"post\" action=\"" : "<p><a href=\"");
    escape(buf, page->target);
    buf_add_text(buf, page->is_post ? "\"><button>" : "\">");
    buf_add_text(buf, page->button);
    buf_add_text(buf, page->is_post ? "</button></form>\n" : "</a></p>\n");
}

void page_write(struct buf *buf, const struct page *page)
{
    buf_add_text(buf, head);
    buf_add_text(buf, page->title);
    buf_add_text(buf, style);
    buf_add_text(buf, page->title);
    buf_add_text(buf, "</h1>\n<p>");
    buf_add_text(buf, page->sentence);
    buf_add_text(buf, "</p>\n");
    if (page->detail.size > 0) {
        buf_add_text(buf, "<p><code>");
        escape(buf, page->detail);
        buf_add_text(buf, "</code></p>\n");
    }
    if (page->target.data != NULL)
        write_way(buf, page);
    buf_add_text(buf, "</body></html>\n");
}

enum paa_result page_answer(struct paa_op *op, const struct page *page)
{
    const struct paa_host_outcome *outcome = op->host->outcome;
    enum paa_status status = PAA_STATUS_TOO_LARGE;
    struct buf buf;

    buf_init(&buf, PAGE_MAX);
    page_write(&buf, page);
    if (!buf.failed)
        status = outcome->answer(op, page->code, STR("text/html; charset=utf-8"),
                                 paa_bytes_of(buf.data, buf.size));
    buf_free(&buf);
    outcome->header_set(op, PAA_MESSAGE_RESPONSE, STR("Content-Security-Policy"),
                        paa_str_of(policy), 0);
    outcome->header_set(op, PAA_MESSAGE_RESPONSE, STR("Referrer-Policy"), STR("no-referrer"), 0);
    return status == PAA_STATUS_OK
               ? PAA_DONE
               : paa_fail(op, PAA_FAULT, "page", "no memory is left for a page");
}
