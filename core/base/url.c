/* SPDX-License-Identifier: MIT */
/* url.h: what a URL is made of on the wire (RFC 3986 2 and 3). */
#include "url.h"

#include "str.h"

enum { PORT_HTTPS = 443, PORT_HTTP = 80 };

static bool has_url_characters(struct paa_str text)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (c <= 0x20 || c >= 0x7f || strchr("\"<>\\^`{|}#", c) != NULL)
            return false;
    }
    return true;
}

const char *url_parse(struct paa_str text, struct arena *arena, struct url *ret_url)
{
    bool is_https = str_starts(text, STR("https://"));
    size_t begin = is_https ? 8 : 7;
    size_t end = begin, query;
    struct url url = { .path = STR("/") };
    const char *wrong;

    if (!is_https && !str_starts(text, STR("http://")))
        return "it begins with neither https:// nor http://";
    if (text.size > URL_MAX)
        return "it is longer than 8 KiB";
    if (!has_url_characters(text))
        return "it holds a blank, a fragment or a character that must be percent-encoded";
    while (end < text.size && text.data[end] != '/' && text.data[end] != '?')
        end++;
    wrong = authority_parse(str_slice(text, begin, end), is_https, arena, &url.origin);
    if (wrong != NULL)
        return wrong;
    query = str_find(text, '?', end);
    if (query > end)
        url.path = str_slice(text, end, query);
    if (query < text.size)
        url.query = str_slice(text, query + 1, text.size);
    *ret_url = url;
    return NULL;
}

void origin_write(struct buf *buf, const struct origin *origin)
{
    buf_add_text(buf, origin->https ? "https://" : "http://");
    buf_add_str(buf, origin->host);
    if (origin->port != (origin->https ? PORT_HTTPS : PORT_HTTP))
        buf_printf(buf, ":%u", (unsigned)origin->port);
}

void url_write(struct buf *buf, const struct url *url)
{
    origin_write(buf, &url->origin);
    buf_add_str(buf, url->path);
    if (url->query.data != NULL) {
        buf_add_char(buf, '?');
        buf_add_str(buf, url->query);
    }
}
