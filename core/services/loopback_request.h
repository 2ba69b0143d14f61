/* SPDX-License-Identifier: MIT */
/*
 * The one request that a login's redirect is: GET of one path of a loopback literal (RFC 8252 7.3), as HTTP/1.1 and
 * nothing looser. Pure: bytes in, a verdict out.
 */
#ifndef SERVICES_LOOPBACK_REQUEST_H
#define SERVICES_LOOPBACK_REQUEST_H

#include "arena.h"

enum {
    LOOPBACK_HEAD_MAX = 8 * 1024, /* request line and fields */
    LOOPBACK_PARAMETERS_MAX = 64
};

enum loopback_verdict {                    /* statuses are their values */
                        LOOPBACK_MORE = 0, /* the head has not ended */
                        LOOPBACK_FITS = 200,
                        LOOPBACK_MALFORMED = 400,
                        LOOPBACK_STRANGE =
                            403, /* a browser says that it does not follow a redirect or link */
                        LOOPBACK_OTHER_PATH = 404,
                        LOOPBACK_OTHER_METHOD = 405,
                        LOOPBACK_OTHER_HOST =
                            421 /* a name that was made to lead here (DNS rebinding) */
};

struct loopback_wanted {
    struct paa_str host; /* "127.0.0.1:49152", as Host must say it */
    struct paa_str path;
};

/* What came so far, from its first byte. With FITS *ret_query is a view of it, absent without "?". */
enum loopback_verdict loopback_request_read(struct paa_str text,
                                            const struct loopback_wanted *wanted,
                                            struct paa_str *ret_query);

/* The parameters of that query, decoded, in order, duplicates kept. NULL: no memory, or more than
 * LOOPBACK_PARAMETERS_MAX. */
struct paa_field *loopback_parameters(struct paa_str query, struct arena *arena, size_t *ret_count);

/* Is one of them that state? What else is wrong with such a request is for whoever knows the state to judge. */
bool loopback_state_fits(const struct paa_field *fields, size_t count, struct paa_str state);

#endif
