/* SPDX-License-Identifier: MIT */
/* The literals that a loopback listener has, and which it takes for its path. */
#include "loopback_inner.h"
#include "str.h"
#include "test.h"

#include <sys/socket.h>
#include <unistd.h>

static unsigned port_of(int fd, const char *host, const char *literal)
{
    unsigned port = 0;

    CHECK(fd >= 0);
    CHECK(str_starts(paa_str_of(host), paa_str_of(literal)));
    CHECK(sscanf(host + strlen(literal), ":%u", &port) == 1);
    return port;
}

TEST(each_listener_has_a_port_of_its_own)
{
    char a[LOOPBACK_HOST_MAX], b[LOOPBACK_HOST_MAX];
    int first = loopback_socket(AF_INET, a);
    int second = loopback_socket(AF_INET, b);

    CHECK(port_of(first, a, "127.0.0.1") != port_of(second, b, "127.0.0.1"));
    close(first);
    close(second);
}

TEST(without_ipv4_it_is_the_other_literal)
{
    char host[LOOPBACK_HOST_MAX];
    int fd = loopback_socket(AF_INET6, host);

    if (fd < 0)
        return; /* this machine has only the first */
    CHECK(port_of(fd, host, "[::1]") > 0);
    close(fd);
}

TEST(no_other_family_is_listened_on)
{
    char host[LOOPBACK_HOST_MAX];

    CHECK_INT(loopback_socket(AF_UNIX, host), -1);
}
