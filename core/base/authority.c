/* SPDX-License-Identifier: MIT */
/* target.h's origins: scheme, host and port, in one spelling. Resolves no name. */
#include "str.h"
#include "target.h"

#include <arpa/inet.h>
#include <netinet/in.h>

enum { HOST_SMALL = 1, HOST_CAPITAL = 2, PORT_HTTPS = 443, PORT_HTTP = 80, PORT_MAX = 65535 };

#define S4 HOST_SMALL, HOST_SMALL, HOST_SMALL, HOST_SMALL
#define C4 HOST_CAPITAL, HOST_CAPITAL, HOST_CAPITAL, HOST_CAPITAL

/* Letters, digits, "-", "." and "_": what a name in the DNS is written with. No percent-encoding and no
 * sub-delims, which RFC 3986 would allow and which readers take in several ways. */
static const unsigned char host_class[256] = {
    ['-'] = HOST_SMALL,
    ['.'] = HOST_SMALL,
    ['_'] = HOST_SMALL,
    ['0'] = S4,
    S4,
    HOST_SMALL,
    HOST_SMALL,
    ['A'] = C4,
    C4,
    C4,
    C4,
    C4,
    C4,
    HOST_CAPITAL,
    HOST_CAPITAL,
    ['a'] = S4,
    S4,
    S4,
    S4,
    S4,
    S4,
    HOST_SMALL,
    HOST_SMALL,
};

static const char NO_MEMORY[] = "there is no memory left to normalise the host";
static const char NO_NUMBER[] =
    "the host looks like a number but is not an IPv4 address of four decimal numbers";

/* host as a C string for inet_pton; false: too long to be an address. */
static bool host_text(struct paa_str host, char ret_text[INET6_ADDRSTRLEN])
{
    if (host.size >= INET6_ADDRSTRLEN || str_find(host, '\0', 0) < host.size)
        return false;
    if (host.size > 0) /* else there may be no data at all */
        memcpy(ret_text, host.data, host.size);
    ret_text[host.size] = '\0';
    return true;
}

static bool is_ipv4(struct paa_str host, struct in_addr *ret_address)
{
    char text[INET6_ADDRSTRLEN];

    return host_text(host, text) && inet_pton(AF_INET, text, ret_address) == 1;
}

/* Would a lenient reader take a host with this last label for an IPv4 address ("0x7f.1", "2130706433")? */
static bool is_numeric(struct paa_str label)
{
    size_t i = 0;
    bool hex = str_starts(label, STR("0x"));

    for (i = hex ? 2 : 0; i < label.size; i++) {
        char c = label.data[i];

        if (!(c >= '0' && c <= '9') && !(hex && c >= 'a' && c <= 'f'))
            return false;
    }
    return true;
}

/* On a lower-case host without trailing dot. */
static const char *labels_check(struct paa_str host)
{
    struct in_addr address;
    size_t last = 0;

    if (host.size == 0)
        return "the host is empty";
    for (size_t i = 0; i < host.size; i++) {
        if (host.data[i] != '.')
            continue;
        if (i == last)
            return "the host has an empty label";
        last = i + 1;
    }
    if (last == host.size)
        return "the host has an empty label";
    if (host.data[host.size - 1] > 'f' || host.data[last] > '9')
        return NULL; /* no number */
    if (is_numeric(str_slice(host, last, host.size)) && !is_ipv4(host, &address))
        return NO_NUMBER;
    return NULL;
}

static const char *lower_host(struct paa_str *host, struct arena *arena)
{
    char *text = arena_alloc(arena, host->size);

    if (text == NULL)
        return NO_MEMORY;
    for (size_t i = 0; i < host->size; i++)
        text[i] = char_lower(host->data[i]);
    *host = paa_str_of_n(text, host->size);
    return NULL;
}

/* What nearly every authority is, in one pass: small letters, no empty label, the last one no number. False: it
 * is to be looked at again. */
static bool is_plain(struct paa_str text, size_t *ret_end)
{
    size_t label = 0;
    size_t i = 0;

    for (; i < text.size && host_class[(unsigned char)text.data[i]] == HOST_SMALL; i++) {
        if (text.data[i] != '.')
            continue;
        if (i == label)
            return false;
        label = i + 1;
    }
    *ret_end = i;
    return i > label && text.data[label] > '9' && (i == text.size || text.data[i] == ':');
}

/* Up to ":" or the end. */
static const char *name_parse(struct paa_str text, struct arena *arena, struct paa_str *ret_host)
{
    struct paa_str host = text;
    unsigned seen = 0;
    const char *wrong = NULL;

    for (size_t i = 0; i < text.size; i++) {
        unsigned class = host_class[(unsigned char)text.data[i]];

        if (class == 0)
            return text.data[i] == '@' ? "the authority holds userinfo (\"@\")"
                                       : "the host holds a character that no host name has";
        seen |= class;
    }
    if (host.size > 0 && host.data[host.size - 1] == '.')
        host.size--;
    if (seen & HOST_CAPITAL)
        wrong = lower_host(&host, arena);
    if (wrong == NULL)
        wrong = labels_check(host);
    if (wrong == NULL)
        *ret_host = host;
    return wrong;
}

/* text: "[v6]". Written as RFC 5952 has it. */
static const char *ipv6_parse(struct paa_str text, struct arena *arena, struct paa_str *ret_host)
{
    char host[INET6_ADDRSTRLEN + 2] = "[";
    struct in6_addr address;
    char written[INET6_ADDRSTRLEN];
    size_t size;

    if (!host_text(str_slice(text, 1, text.size - 1), written) ||
        inet_pton(AF_INET6, written, &address) != 1 ||
        inet_ntop(AF_INET6, &address, host + 1, INET6_ADDRSTRLEN) == NULL)
        return "the host in brackets is not an IPv6 address";
    size = strlen(host);
    host[size++] = ']';
    if (text.size == size && memcmp(text.data, host, size) == 0) {
        *ret_host = text;
        return NULL;
    }
    *ret_host = paa_str_of_n(arena_copy(arena, host, size), size);
    return ret_host->data != NULL ? NULL : NO_MEMORY;
}

/* text: "" or ":port". */
static const char *port_parse(struct paa_str text, uint16_t by_default, uint16_t *ret_port)
{
    uint64_t port = by_default;

    if (text.size > 1 &&
        (text.data[1] == '0' || !str_to_u64(str_slice(text, 1, text.size), PORT_MAX, &port)))
        return "the port is not a number from 1 to 65535";
    *ret_port = (uint16_t)port;
    return NULL;
}

const char *authority_parse(struct paa_str text, bool https, struct arena *arena,
                            struct origin *ret_origin)
{
    struct origin origin = { STR_NONE, 0, https };
    const char *wrong = NULL;
    size_t end;

    if (text.size == 0)
        return "the authority is empty";
    if (text.size > AUTHORITY_MAX)
        return "the authority is longer than 300 bytes";
    if (text.data[0] == '[') {
        end = str_find(text, ']', 0);
        if (end == text.size)
            return "the host in brackets is not an IPv6 address";
        end++;
        if (end < text.size && text.data[end] != ':')
            return "something other than a port follows the host";
        wrong = ipv6_parse(str_slice(text, 0, end), arena, &origin.host);
    } else if (is_plain(text, &end)) {
        origin.host = paa_str_of_n(text.data, end);
        if (end < text.size && str_find(text, '@', end) < text.size)
            return "the authority holds userinfo (\"@\")";
    } else {
        end = str_find(text, ':', 0);
        if (str_find(text, '@', end) < text.size)
            return "the authority holds userinfo (\"@\")";
        wrong = name_parse(str_slice(text, 0, end), arena, &origin.host);
    }
    if (wrong == NULL)
        wrong = port_parse(str_slice(text, end, text.size), https ? PORT_HTTPS : PORT_HTTP,
                           &origin.port);
    if (wrong == NULL)
        *ret_origin = origin;
    return wrong;
}

const char *origin_parse(struct paa_str text, struct arena *arena, struct origin *ret_origin)
{
    bool https = str_starts_nocase(text, STR("https://"));
    size_t from = https ? sizeof "https://" - 1 : sizeof "http://" - 1;

    if (!https && !str_starts_nocase(text, STR("http://")))
        return "an origin begins with \"https://\" or \"http://\"";
    for (size_t i = from; i < text.size; i++)
        if (strchr("/?#", text.data[i]) != NULL)
            return "an origin ends with its host or port; nothing may follow, not even \"/\"";
    return authority_parse(str_slice(text, from, text.size), https, arena, ret_origin);
}

bool origin_eq(const struct origin *a, const struct origin *b)
{
    return a->https == b->https && a->port == b->port && str_eq(a->host, b->host);
}

bool origin_is_loopback(const struct origin *origin)
{
    struct in_addr address;

    if (is_ipv4(origin->host, &address))
        return str_starts(origin->host, STR("127."));
    return paa_str_eq(origin->host, "[::1]");
}
