/* SPDX-License-Identifier: MIT */
/* See page.h. */
#include "page.h"

#include "html.h"
#include "str.h"

static void write_way(struct buf *buf, const struct page *page)
{
    buf_add_text(buf, page->is_post ? "<form method=\"post\" action=\"" : "<p><a href=\"");
    html_add(buf, page->target);
    buf_add_text(buf, page->is_post ? "\"><button>" : "\">");
    buf_add_text(buf, page->button);
    buf_add_text(buf, page->is_post ? "</button></form>\n" : "</a></p>\n");
}

void page_write(struct buf *buf, const struct page *page)
{
    html_begin(buf, page->title);
    buf_add_text(buf, "<p>");
    buf_add_text(buf, page->sentence);
    buf_add_text(buf, "</p>\n");
    if (page->detail.size > 0) {
        buf_add_text(buf, "<p><code>");
        html_add(buf, page->detail);
        buf_add_text(buf, "</code></p>\n");
    }
    if (page->target.data != NULL)
        write_way(buf, page);
    html_end(buf);
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
    outcome->header_set(op, PAA_MESSAGE_RESPONSE, STR("Content-Security-Policy"), STR(HTML_POLICY),
                        0);
    outcome->header_set(op, PAA_MESSAGE_RESPONSE, STR("Referrer-Policy"), STR("no-referrer"), 0);
    return status == PAA_STATUS_OK
               ? PAA_DONE
               : paa_fail(op, PAA_FAULT, "page", "no memory is left for a page");
}
