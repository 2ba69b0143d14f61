/* SPDX-License-Identifier: MIT */
/* URLs that the core itself calls: absolute, http or https, in one spelling. Pure; resolves nothing. */
#ifndef BASE_URL_H
#define BASE_URL_H

#include "buf.h"
#include "target.h"

enum { URL_MAX = 8 * 1024 };

struct url {
    struct origin origin;
    struct paa_str path;  /* "/" where the URL has none */
    struct paa_str query; /* without "?"; absent without "?" */
};

/* Visible ASCII, no userinfo, no fragment; path and query are views of text, as they stand there. NULL: fine. Else
 * what is wrong, to stand behind "it is no URL: ". */
const char *url_parse(struct paa_str text, struct arena *arena, struct url *ret_url);
/* "https://host[:port]", the port only if it is not the scheme's own. */
void origin_write(struct buf *buf, const struct origin *origin);
/* The URL in the spelling that url_parse gave it. */
void url_write(struct buf *buf, const struct url *url);

#endif
