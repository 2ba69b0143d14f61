/* SPDX-License-Identifier: MIT */
/* Pages of our own: plain, readable in the dark and on a narrow screen, without script or picture. Pure. */
#ifndef BASE_HTML_H
#define BASE_HTML_H

#include "buf.h"

/* Content-Security-Policy of such a page, for what the page itself needs; more may be ruled out behind it. No form-action:
 * some browsers apply it to where a form's answer leads, too. */
#define HTML_POLICY                                                                                \
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"

/* Up to the heading, which is the title. title is markup of ours. */
void html_begin(struct buf *buf, const char *title);
/* Text, whatever is in it; good within an attribute's double quotes, too. */
void html_add(struct buf *buf, struct paa_str text);
void html_end(struct buf *buf);

#endif
