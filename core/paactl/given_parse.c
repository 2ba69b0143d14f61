/* SPDX-License-Identifier: MIT */
/* The pure half of given.h: texts of the command line into parts. */
#include "given.h"

#include "str.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

static size_t find_any(struct paa_str text, const char *any, size_t from)
{
    while (from < text.size && memchr(any, text.data[from], strlen(any)) == NULL)
        from++;
    return from;
}

const char *given_url_parse(struct paa_str text, struct given_url *ret_url)
{
    size_t colon = find_any(text, ":/?#", 0);
    struct paa_str behind = str_slice(text, colon, text.size);
    size_t end;

    memset(ret_url, 0, sizeof *ret_url);
    if (str_find(text, '#', 0) < text.size)
        return "leave out the fragment, from # on: no client sends it";
    if (text.size > 0 && text.data[0] == '/') {
        ret_url->target = text;
        return NULL;
    }
    if (colon == 0 || !str_starts(behind, STR("://")))
        return "give a whole URL (https://host/path) or a path that begins with /";
    ret_url->scheme = str_slice(text, 0, colon);
    behind = str_slice(behind, 3, behind.size);
    end = find_any(behind, "/?", 0);
    ret_url->authority = str_slice(behind, 0, end);
    ret_url->target = str_slice(behind, end, behind.size);
    if (ret_url->target.size == 0)
        ret_url->target = STR("/");
    if (ret_url->authority.size == 0)
        return "the host is missing between :// and the path";
    if (ret_url->target.data[0] != '/')
        return "put a / before the query";
    return NULL;
}

bool given_field_parse(struct paa_str line, struct paa_field *ret_field)
{
    size_t colon = str_find(line, ':', 0);

    if (colon == 0 || colon == line.size)
        return false;
    ret_field->name = str_slice(line, 0, colon);
    ret_field->value = str_trim(str_slice(line, colon + 1, line.size));
    return true;
}

static size_t read_unix(const char *path, struct sockaddr_storage *ret_address)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t size = strlen(path);

    if (size >= sizeof address.sun_path)
        return 0;
    memcpy(address.sun_path, path, size);
    memcpy(ret_address, &address, sizeof address);
    return offsetof(struct sockaddr_un, sun_path) + (size > 0 ? size + 1 : 0);
}

size_t given_address_parse(const char *text, struct sockaddr_storage *ret_address)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

    memset(ret_address, 0, sizeof *ret_address);
    if (strncmp(text, "unix:", 5) == 0)
        return read_unix(text + 5, ret_address);
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
        memcpy(ret_address, &v4, sizeof v4);
        return sizeof v4;
    }
    if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1) {
        memcpy(ret_address, &v6, sizeof v6);
        return sizeof v6;
    }
    return 0;
}
