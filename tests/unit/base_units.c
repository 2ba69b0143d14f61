/* SPDX-License-Identifier: MIT */
/* units.h and net.h. */
#include "net.h"
#include "str.h"
#include "test.h"
#include "units.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

TEST(durations_name_their_units_largest_first)
{
    static const struct {
        const char *text;
        int64_t ms; /* -1: refused */
    } table[] = {
        { "0", 0 },
        { "90s", 90000 },
        { "15m", 900000 },
        { "1h30m", 5400000 },
        { "250ms", 250 },
        { "7d", 604800000 },
        { "1w", 604800000 },
        { "1m1ms", 60001 },
        { "0s", 0 },
        { "", -1 },
        { "5", -1 },
        { "5x", -1 },
        { "1m1h", -1 },
        { "1s1s", -1 },
        { "-1s", -1 },
        { "1 s", -1 },
        { "1.5s", -1 },
        { "s", -1 },
        { "1S", -1 },
        { "1s ", -1 },
        { "9223372036854775807ms", INT64_MAX },
        { "9223372036854775808ms", -1 },
        { "9223372036854775807s", -1 },
        { "9223372036854775s808ms", -1 },
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        int64_t ms = -1;

        if (duration_parse(paa_str_of(table[i].text), &ms) != (table[i].ms >= 0) ||
            ms != table[i].ms)
            TEST_FAIL("%s is %lld", table[i].text, (long long)ms);
    }
}

TEST(sizes_are_decimal_or_binary_as_written)
{
    uint64_t bytes = 0;

    CHECK(size_parse(STR("10MB"), &bytes));
    CHECK_INT(bytes, 10000000);
    CHECK(size_parse(STR("64KiB"), &bytes));
    CHECK_INT(bytes, 65536);
    CHECK(size_parse(STR("7"), &bytes));
    CHECK_INT(bytes, 7);
    CHECK(size_parse(STR("2GiB"), &bytes));
    CHECK_INT(bytes, 2147483648);
    CHECK(!size_parse(STR("64kb"), &bytes));
    CHECK(!size_parse(STR(""), &bytes));
    CHECK(!size_parse(STR("MB"), &bytes));
    CHECK(!size_parse(STR("1 MB"), &bytes));
    CHECK(!size_parse(STR("1MBx"), &bytes));
    CHECK(!size_parse(STR("9223372036854775807GiB"), &bytes));
}

TEST(times_are_written_as_rfc_3339)
{
    static const struct {
        int64_t time;
        const char *text;
    } table[] = {
        { 0, "1970-01-01T00:00:00Z" },
        { -1, "1969-12-31T23:59:59Z" },
        { 1795514400, "2026-11-24T10:00:00Z" },
        { 951782400, "2000-02-29T00:00:00Z" },
        { 253402300799, "9999-12-31T23:59:59Z" },
        { 253402300800, "9999-12-31T23:59:59Z" },
        { INT64_MAX, "9999-12-31T23:59:59Z" },
        { INT64_MIN, "0000-01-01T00:00:00Z" },
        { -62167219200, "0000-01-01T00:00:00Z" },
    };
    char text[TIME_TEXT_SIZE];

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        time_format(table[i].time, text);
        CHECK_STR(paa_str_of(text), table[i].text);
    }
}

TEST(times_are_read_with_their_offset)
{
    static const struct {
        const char *text;
        int64_t time;
    } good[] = {
        { "2026-11-24T10:00:00Z", 1795514400 },
        { "2026-11-24t11:30:00+01:30", 1795514400 },
        { "2026-11-24T05:00:00.999-05:00", 1795514400 },
        { "2026-11-24", 1795478400 },
        { "1795514400", 1795514400 },
        { "2016-12-31T23:59:60Z", 1483228800 },
        { "2000-02-29", 951782400 },
        { "0000-01-01T00:00:00Z", -62167219200 },
    };
    static const char *const bad[] = {
        "",
        "2026-11-24T10:00:00",
        "2026-11-24 10:00:00Z",
        "2026-02-29",
        "2026-13-01",
        "2026-00-01",
        "2026-04-31",
        "1900-02-29",
        "2026-11-24T24:00:00Z",
        "2026-11-24T10:60:00Z",
        "2026-11-24T10:00:61Z",
        "2026-11-24T10:00:00Zx",
        "2026-11-24T10:00:00+24:00",
        "2026-1-1",
        "2026-11-24T10:00:00.Z",
        "-1",
        "2026-11-24x",
        "2026-11-24T",
        "9223372036854775808",
    };
    int64_t time;

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        time = -7;
        CHECK(time_parse(paa_str_of(good[i].text), &time));
        CHECK_INT(time, good[i].time);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (time_parse(paa_str_of(bad[i]), &time))
            TEST_FAIL("not refused: %s", bad[i]);
}

TEST(time_stops_at_its_ends)
{
    CHECK(time_add(INT64_MAX, 1) == INT64_MAX);
    CHECK(time_add(INT64_MIN, -1) == INT64_MIN);
    CHECK(time_add(5, -7) == -2);
}

TEST(socket_addresses_are_written_without_port)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = 80 };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
    struct sockaddr_un path = { .sun_family = AF_UNIX };
    char text[ADDRESS_TEXT_MAX];

    v4.sin_addr.s_addr = htonl(0xc0000207);
    CHECK(address_text(paa_bytes_of(&v4, sizeof v4), text));
    CHECK_STR(paa_str_of(text), "192.0.2.7");
    v6.sin6_addr.s6_addr[0] = 0x20;
    v6.sin6_addr.s6_addr[15] = 7;
    CHECK(address_text(paa_bytes_of(&v6, sizeof v6), text));
    CHECK_STR(paa_str_of(text), "2000::7");
    CHECK(!address_text(paa_bytes_of(&v6, sizeof v6 - 1), text));
    CHECK(!address_text(paa_bytes_of(&v6, 1), text));
    CHECK(!address_text(BYTES_NONE, text));
    CHECK(address_text(paa_bytes_of(&path, sizeof path.sun_family), text));
    CHECK_STR(paa_str_of(text), "unix:");
    memset(path.sun_path, 'x', sizeof path.sun_path); /* the kernel allows it without a NUL */
    CHECK(address_text(paa_bytes_of(&path, sizeof path), text));
    CHECK_INT(strlen(text), 5 + sizeof path.sun_path);
    path.sun_family = AF_UNSPEC;
    CHECK(!address_text(paa_bytes_of(&path, sizeof path), text));
}

TEST(networks_hold_the_addresses_of_their_family)
{
    static const struct {
        const char *network;
        const char *address;
        bool has;
    } table[] = {
        { "192.0.2.0/24", "192.0.2.255", true },
        { "192.0.2.0/24", "192.0.3.0", false },
        { "192.0.2.0/24", "::ffff:192.0.2.1", true },
        { "192.0.2.7", "192.0.2.7", true },
        { "192.0.2.7", "192.0.2.6", false },
        { "0.0.0.0/0", "203.0.113.9", true },
        { "0.0.0.0/0", "2001:db8::1", false },
        { "::/0", "2001:db8::1", true },
        { "::/0", "192.0.2.1", false },
        { "2001:db8::/33", "2001:db8:7fff::1", true },
        { "2001:db8::/33", "2001:db8:8000::1", false },
        { "::/0", "unix:", false },
        { "0.0.0.0/0", "localhost", false },
        { "10.0.0.0/9", "10.127.0.1", true },
        { "10.0.0.0/9", "10.128.0.1", false },
        { "::1", "::1", true },
    };
    struct network network;

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        REQUIRE(network_parse(paa_str_of(table[i].network), &network) == NULL);
        if (network_has(&network, paa_str_of(table[i].address)) != table[i].has)
            TEST_FAIL("%s in %s", table[i].address, table[i].network);
    }
}

TEST(networks_that_are_none_are_refused)
{
    static const char *const texts[] = {
        "",
        "/",
        "192.0.2.0/",
        "192.0.2.0/33",
        "192.0.2.0/024",
        "192.0.2.1/24",
        "::1/127",
        "2001:db8::/129",
        "example.com",
        "192.0.2/24",
        "192.0.2.0/24/1",
        "[::1]",
        "fe80::1%lo",
        "01.2.3.4",
        " ::1",
        "0.0.0.1/0",
        "2001:db8::/-1",
    };
    struct network network;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (network_parse(paa_str_of(texts[i]), &network) == NULL)
            TEST_FAIL("not refused: %s", texts[i]);
}
