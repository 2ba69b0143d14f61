/* SPDX-License-Identifier: MIT */
/* The few pages that people see of us: a sentence, and one way to go on. Nothing is loaded from elsewhere, nothing runs. */
#ifndef OAUTH2_CODE_PAGE_H
#define OAUTH2_CODE_PAGE_H

#include "buf.h"

#include <paa/plugin.h>

enum { PAGE_MAX = 16 * 1024 };

struct page {
    uint32_t code;
    const char *title;
    const char *sentence;
    struct paa_str detail; /* a stranger's word, shown as text; absent: none */
    struct paa_str target; /* a path of this origin; absent: there is no way to go on */
    const char *button;    /* what leads there */
    bool is_post;          /* as a form, not as a link */
};

/* Appends the document. Pure. */
void page_write(struct buf *buf, const struct page *page);
/* serve: answers with it. DONE, or FAULT. */
enum paa_result page_answer(struct paa_op *op, const struct page *page);

#endif
