/* SPDX-License-Identifier: MIT */
/* What fetching stands on: URLs, HTTP's times, and which addresses are public. */
#include "buf.h"
#include "http_time.h"
#include "net.h"
#include "str.h"
#include "test.h"
#include "url.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

/* ---- URLs ---- */

static const char *rewritten(const char *text, char ret_text[256])
{
    struct arena arena;
    struct buf buf;
    struct url url;
    const char *wrong;

    arena_init(&arena, NULL, 0, 4096);
    buf_init(&buf, 255);
    wrong = url_parse(paa_str_of(text), &arena, &url);
    if (wrong == NULL)
        url_write(&buf, &url);
    (void)snprintf(ret_text, 256, "%.*s",
                   STR_ARGS(wrong != NULL ? paa_str_of(wrong) : buf_str(&buf)));
    buf_free(&buf);
    arena_free(&arena);
    return ret_text;
}

TEST(a_url_has_one_spelling)
{
    static const char *const pairs[][2] = {
        { "https://id.example.com", "https://id.example.com/" },
        { "https://ID.Example.com.:443/a", "https://id.example.com/a" },
        { "http://127.0.0.1:80?q", "http://127.0.0.1/?q" },
        { "https://[2001:DB8:0::1]:8443/a?b?c", "https://[2001:db8::1]:8443/a?b?c" },
        { "https://a.example/x/../y//z%2f", "https://a.example/x/../y//z%2f" },
    };
    char text[256];

    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        CHECK_STR(paa_str_of(rewritten(pairs[i][0], text)), pairs[i][1]);
}

TEST(what_two_readers_could_read_in_two_ways_is_no_url)
{
    static const char *const bad[] = {
        "",
        "https://",
        "ftp://a/",
        "HTTPS://a/",
        "//a/",
        "https:/a/",
        "https://a b/",
        "https://a@b/",
        "https://u:p@b/",
        "https://a/#f",
        "https://a/\\b",
        "https://a\\@b/",
        "https://a:0/",
        "https://a:65536/",
        "https://0x7f.1/",
        "https://a..b/",
        "https://[::1/",
        "https://[::1]x/",
        "https://a/\r\nX: y",
        "https://a/\x80",
    };
    char text[256];

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (strncmp(rewritten(bad[i], text), "http", 4) == 0)
            TEST_FAIL("%s is read as %s", bad[i], text);
}

/* ---- times ---- */

enum { NOW_S = 784111777 }; /* Sun, 06 Nov 1994 08:49:37 GMT */

/* RFC 9110 5.6.7 shows one time in three forms. */
TEST(all_three_forms_of_a_date_are_read)
{
    static const char *const forms[] = { "Sun, 06 Nov 1994 08:49:37 GMT",
                                         "Sunday, 06-Nov-94 08:49:37 GMT",
                                         "Sun Nov  6 08:49:37 1994" };
    int64_t time_s;

    for (size_t i = 0; i < 3; i++) {
        time_s = 0;
        CHECK(http_date_parse(paa_str_of(forms[i]), NOW_S, &time_s));
        CHECK_INT(time_s, NOW_S);
    }
}

TEST(two_digits_of_a_year_are_never_over_fifty_years_ahead)
{
    int64_t time_s;

    CHECK(http_date_parse(STR("Monday, 06-Nov-44 08:49:37 GMT"), NOW_S, &time_s));
    CHECK(time_s < NOW_S); /* 1944: of 1994's century */
    CHECK(http_date_parse(STR("Sunday, 06-Nov-94 08:49:37 GMT"), 2000000000 /* 2033 */, &time_s));
    CHECK_INT(time_s, NOW_S);
    CHECK(http_date_parse(STR("Sunday, 06-Nov-35 08:49:37 GMT"), 2000000000, &time_s));
    CHECK(time_s > 2000000000);
}

TEST(what_is_no_date_is_refused)
{
    static const char *const bad[] = { "",
                                       "Sun, 06 Nov 1994 08:49:37",
                                       "Sun, 06 Nov 1994 08:49:37 UTC",
                                       "Sun, 31 Feb 1994 08:49:37 GMT",
                                       "Sun, 06 Nov 1994 24:49:37 GMT",
                                       "Sun, 06 nov 1994 08:49:37 GMT",
                                       "Sun, 6 Nov 1994 08:49:37 GMT",
                                       "Sun Nov 06 08:49:37 94",
                                       "1994-11-06T08:49:37Z" };
    int64_t time_s;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (http_date_parse(paa_str_of(bad[i]), NOW_S, &time_s))
            TEST_FAIL("\"%s\" is read", bad[i]);
}

TEST(retry_after_is_seconds_or_a_date_and_never_more_than_the_most)
{
    static const struct {
        const char *value;
        uint32_t seconds;
    } cases[] = {
        { "7", 7 },
        { " 7 ", 7 },
        { "0", 0 },
        { "300", 300 },
        { "301", 300 },
        { "99999999999999999999", 300 },
        { "-1", 0 },
        { "1.5", 0 },
        { "soon", 0 },
        { "", 0 },
        { "Sun, 06 Nov 1994 08:49:47 GMT", 10 },
        { "Sun, 06 Nov 1994 08:49:37 GMT", 0 },
        { "Sun, 06 Nov 1994 08:49:36 GMT", 0 },
        { "Mon, 07 Nov 1994 08:49:37 GMT", 300 },
        { "Sunday, 06-Nov-94 08:49:47 GMT", 10 },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (retry_after_parse(paa_str_of(cases[i].value), NOW_S, 300) != cases[i].seconds)
            TEST_FAIL("\"%s\" is not %u", cases[i].value, cases[i].seconds);
    CHECK_INT(retry_after_parse(STR("Sun, 06 Nov 1994 08:49:47 GMT"), -1, 300), 0);
}

/* ---- addresses ---- */

static bool is_public(const char *text)
{
    unsigned char address[16];

    if (!address_parse(paa_str_of(text), address)) {
        TEST_FAIL("%s is no address", text);
        return false;
    }
    return address_is_public(address);
}

/* The first and last address of each, and their neighbours where those are public. */
static const struct {
    const char *before; /* NULL: not public either */
    const char *first;
    const char *last;
    const char *after;
} closed[] = {
    { NULL, "0.0.0.0", "0.255.255.255", "1.0.0.0" },
    { "9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0" },
    { "100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0" },
    { "126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0" },
    { "169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0" },
    { "172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0" },
    { "191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0" },
    { "192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0" },
    { "192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0" },
    { "192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0" },
    { "198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0" },
    { "198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0" },
    { "203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0" },
    { "223.255.255.255", "224.0.0.0", "255.255.255.255", NULL },
    { NULL, "::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2000::" },
    { NULL, "2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:200::" },
    { "2001:db7:ffff::", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::" },
    { "2001:ffff:ffff::", "2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2003::" },
    { "3ffe:ffff::", "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::" },
    { "3fff:ffff:ffff::", "4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL },
};

TEST(every_closed_network_is_closed_from_its_first_address_to_its_last)
{
    for (size_t i = 0; i < sizeof closed / sizeof closed[0]; i++) {
        CHECK(!is_public(closed[i].first));
        CHECK(!is_public(closed[i].last));
        CHECK(closed[i].before == NULL || is_public(closed[i].before));
        CHECK(closed[i].after == NULL || is_public(closed[i].after));
    }
}

/* Two bytes decide of every IPv4 network but the /24s; both spellings in IPv6 agree with it. */
TEST(an_ipv4_address_is_as_public_in_ipv6)
{
    static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
    static const unsigned char nat64[12] = { 0x00, 0x64, 0xff, 0x9b };
    unsigned char address[16] = { 0 };
    unsigned public = 0;

    for (unsigned i = 0; i < 65536; i++) {
        bool is_open;

        address[12] = (unsigned char)(i >> 8);
        address[13] = (unsigned char)i;
        address[14] = address[15] = 7;
        memcpy(address, mapped, sizeof mapped);
        is_open = address_is_public(address);
        memcpy(address, nat64, sizeof nat64);
        if (address_is_public(address) != is_open)
            TEST_FAIL("%u.%u.7.7 differs", i >> 8, i & 0xff);
        public += is_open;
    }
    /* 224 /8s are no multicast or reserved, less 0, 10 and 127; less 64 + 1 + 16 + 1 + 2 /16s */
    CHECK_INT(public, (224 - 3) * 256 - 84);
}

TEST(everything_local_is_closed_however_it_is_written)
{
    static const char *const local[] = {
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::808:808",
        "fc00::1",
        "fdff::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "2002:7f00:1::",
        "2001:0:7f00:1::1",
        "100::1",
    };

    for (size_t i = 0; i < sizeof local / sizeof local[0]; i++)
        if (is_public(local[i]))
            TEST_FAIL("%s is public", local[i]);
    CHECK(is_public("::ffff:8.8.8.8"));
    CHECK(is_public("64:ff9b::808:808"));
    CHECK(is_public("2606:4700::1111"));
}

TEST(what_is_no_address_of_the_internet_is_closed)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x08080808) };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
    struct sockaddr unix_socket = { .sa_family = AF_UNIX };

    CHECK(sockaddr_is_public(paa_bytes_of(&v4, sizeof v4)));
    CHECK(!sockaddr_is_public(paa_bytes_of(&v4, 4)));
    CHECK(!sockaddr_is_public(paa_bytes_of(&v6, sizeof v6)));
    CHECK(!sockaddr_is_public(paa_bytes_of(&unix_socket, sizeof unix_socket)));
    CHECK(!sockaddr_is_public(BYTES_NONE));
}
