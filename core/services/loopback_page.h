/* SPDX-License-Identifier: MIT */
/* What a loopback listener answers: whole responses, without script or picture. Pure. */
#ifndef SERVICES_LOOPBACK_PAGE_H
#define SERVICES_LOOPBACK_PAGE_H

#include "buf.h"

enum { LOOPBACK_SENTENCE_MAX = 1024, LOOPBACK_RESPONSE_MAX = 16 * 1024 };

/* The page that a person sees at the end of a login. The sentence is shown as text, whatever is in it. */
void loopback_page_write(struct buf *buf, bool success, struct paa_str sentence);
/* For a browser whose state is not this login's. */
void loopback_stranger_write(struct buf *buf);
/* For what is no login. */
void loopback_refusal_write(struct buf *buf, unsigned code);

#endif
