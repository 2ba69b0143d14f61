/* SPDX-License-Identifier: MIT */
/* One HTTP exchange, for `request`: what goes out, and what came back. Knows libcurl, and no policy. */
#ifndef PAACTL_SEND_H
#define PAACTL_SEND_H

#include "buf.h"

#include <paa/paa.h>
#include <stdbool.h>

enum { SEND_CONTENT_MAX = 16 * 1024 * 1024, SEND_HEADER_MAX = 256 * 1024, SEND_TIMEOUT_S = 30 };

struct sender; /* connections are kept from one exchange to the next */

struct outgoing {
    const char *method;
    struct paa_str url;
    const struct paa_field *fields; /* as they are sent, in order */
    size_t field_count;
    struct paa_bytes content;         /* absent: none */
    const struct paa_client_tls *tls; /* NULL: the system's CAs, no certificate */
};

struct incoming { /* texts are views of header */
    uint32_t code;
    struct paa_field *fields;
    size_t field_count;
    struct buf header; /* the status line and the fields of the final response, as they came */
    struct buf content;
};

/* NULL: no memory; it has complained. */
struct sender *sender_new(void);
void sender_free(struct sender *sender); /* NULL is fine */
/* Follows no redirect, knows no cookie and no .netrc. False: it has complained. incoming_free in any case. */
bool sender_send(struct sender *sender, const struct outgoing *outgoing,
                 struct incoming *ret_incoming);
void incoming_free(struct incoming *incoming);

#endif
