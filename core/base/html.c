/* SPDX-License-Identifier: MIT */
/* See html.h. */
#include "html.h"

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>";
static const char style[] =
    "</title><style>:root{color-scheme:light dark}body{font:1.1rem/1.5 system-ui,sans-serif;"
    "max-width:34rem;margin:15vh auto;padding:0 1.5rem;overflow-wrap:break-word}"
    "h1{font-size:1.5rem;line-height:1.25}"
    "a,button{display:inline-block;margin-top:1rem;padding:.6rem 1.2rem;border:1px solid;"
    "border-radius:.4rem;font:inherit;color:inherit;background:none;text-decoration:none;"
    "cursor:pointer}code{opacity:.7}</style></head>\n<body><h1>";

void html_begin(struct buf *buf, const char *title)
{
    buf_add_text(buf, head);
    buf_add_text(buf, title);
    buf_add_text(buf, style);
    buf_add_text(buf, title);
    buf_add_text(buf, "</h1>\n");
}

/* Controls would be nothing that a person sees. */
void html_add(struct buf *buf, struct paa_str text)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (c == '&' || c == '<' || c == '>' || c == '"' || c == '\'')
            buf_printf(buf, "&#%u;", (unsigned)c);
        else
            buf_add_char(buf, c < ' ' || c == 0x7f ? ' ' : text.data[i]);
    }
}

void html_end(struct buf *buf)
{
    buf_add_text(buf, "</body></html>\n");
}
